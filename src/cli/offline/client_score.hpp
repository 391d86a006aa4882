#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "cli/offline/client_trial.hpp"

namespace tidelimit::cli {

/// The truth about clients, from a file `client_ip,label[,kind]`. Clients it does not name are
/// good.
struct Labels {
  std::unordered_set<ClientId, ClientIdHash> malicious;
  std::unordered_set<ClientId, ClientIdHash> good;                ///< those that it names so
  std::unordered_map<ClientId, std::string, ClientIdHash> kinds;  ///< where the file has them

  [[nodiscard]] bool empty() const { return malicious.empty() && good.empty(); }
  /// Empty: it does not name the client.
  [[nodiscard]] std::optional<bool> known_malicious(const ClientId& client) const {
    if (malicious.contains(client)) return true;
    if (good.contains(client)) return false;
    return std::nullopt;
  }
};

/// Errors name the file and line; one is a client that is labelled both ways.
[[nodiscard]] Result<Labels> read_labels(const std::string& file);

struct Retrieval {
  std::uint64_t flagged = 0;
  std::uint64_t hits = 0;    ///< of those, truly malicious
  std::uint64_t wanted = 0;  ///< malicious clients in the input

  /// Empty where nothing was flagged, or nothing was there to find.
  [[nodiscard]] std::optional<double> precision() const;
  [[nodiscard]] std::optional<double> recall() const;
  [[nodiscard]] std::optional<double> f1() const;
};

/// One kind of client as the labels name them.
struct KindScore {
  std::string kind;
  bool malicious = false;
  std::uint64_t clients = 0;
  std::uint64_t flagged = 0;
};

struct ClientScore {
  std::uint64_t clients = 0;
  std::uint64_t flagged = 0;  ///< a verdict other than normal at any time
  bool labelled = false;      ///< what follows is known
  bool labels_fit = true;     ///< the labels name at least one of these clients
  Retrieval any;
  Retrieval malicious_only;  ///< verdicts `malicious` alone
  std::optional<double> auroc;
  std::optional<double> average_precision;
  std::vector<KindScore> kinds;  ///< where the labels name kinds, by name
};

/// `labels` may be null, and tells as little when it names nobody.
[[nodiscard]] ClientScore score_clients(const ClientOutcomes& outcomes, const Labels* labels);

}  // namespace tidelimit::cli
