#pragma once

#include <array>
#include <vector>

#include "base/random.hpp"
#include "ingest/synthetic/batch.hpp"
#include "ingest/synthetic/labels.hpp"
#include "ingest/synthetic/world.hpp"

namespace tidelimit::synthetic {

/// One malicious client and its visits.
struct Attacker {
  struct Visit {
    UnixMinute first = 0;
    std::int64_t minutes = 0;
  };

  ClientKind kind = ClientKind::flood;
  Client client;
  Random random{0};
  std::array<Visit, 3> visits{};  ///< in order of time; unused ones have no minutes
  double rate = 1;                ///< requests a minute
  std::string_view agent;
  bool rotates_agents = false;  ///< a new browser for every request
  std::uint32_t user = 0;       ///< 0: not logged in
  Endpoint target = Endpoint::browse;
  double failure_ratio = 0;  ///< share of its requests that are refused, by kind
  std::uint64_t steps = 0;   ///< requests so far
  bool seen = false;
};

/// A new attacker of a kind: pace, disguise, target and visits by the kind's habits. `start` is the
/// first minute of its first visit.
[[nodiscard]] Attacker make_attacker(ClientKind kind, const Client& client, UnixMinute start,
                                     Random random);

/// Fills everything but time and client of the attacker's next request.
void write_attack(Attacker& attacker, Batch& batch, traffic::Request& request);

/// All attackers of a data set, spread evenly over its length. Kinds come from shuffled decks, so
/// that six clients show all six. Memory: those on a visit or between two.
class Attackers {
 public:
  /// `clients` malicious addresses in [start, end).
  Attackers(std::uint64_t clients, UnixMinute start, UnixMinute end, const AddressBook& addresses,
            Random random);

  void emit(UnixMinute minute, Batch& batch, ClientLabels& fresh);

 private:
  void begin_campaigns(UnixMinute minute);
  void visit(Attacker& attacker, Batch& batch, ClientLabels& fresh);
  [[nodiscard]] ClientKind draw_kind();
  [[nodiscard]] UnixMinute draw_start();

  const AddressBook& addresses_;
  Random random_;
  std::uint64_t clients_;
  UnixMinute start_;
  std::int64_t usable_minutes_;
  std::uint64_t next_client_ = 0;
  UnixMinute next_start_ = 0;
  std::uint32_t next_rack_ = 0;
  std::vector<ClientKind> deck_;
  bool first_deck_ = true;
  std::vector<Attacker> active_;
};

}  // namespace tidelimit::synthetic
