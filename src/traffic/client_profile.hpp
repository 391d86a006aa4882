#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/time.hpp"
#include "limiter/client_table.hpp"
#include "traffic/error_background.hpp"
#include "traffic/neighbourhoods.hpp"
#include "traffic/seats.hpp"

namespace tidelimit::traffic {

/// The features of a client, in the order models know them (the manifest stores the names). The
/// first four look at the last five minutes; the others fade over about an hour, so that slow
/// clients show too. More may be added at the end.
enum class Feature : std::uint8_t {
  requests_per_minute,     ///< over the last five minutes
  error_ratio,             ///< share of known responses with status >= 400, shrunk
  endpoint_concentration,  ///< share of the most called path bucket, 0..1, shrunk
  agent_diversity,         ///< estimated number of distinct user agents in the last five minutes
  hour_requests,           ///< requests, each fading as exp(-age / 1 h): a steady N/h gives N
  hour_errors,             ///< responses with status >= 400, fading likewise
  hour_error_ratio,        ///< of the fading sums, shrunk
  count_,
};
inline constexpr std::size_t kFeatures = static_cast<std::size_t>(Feature::count_);
[[nodiscard]] const char* to_string(Feature feature);

/// One error of one request is no error ratio of 100 %: ratios are drawn towards what is usual by
/// this many made-up requests.
inline constexpr double kPseudoResponses = 10;
inline constexpr double kUsualErrorRatio = 0.03;
inline constexpr double kPseudoRequests = 5;
inline constexpr double kUsualConcentration = 0.4;
/// Who presses does so for so many of the last five minutes: a screen that loads, or a customer in
/// a hurry, asks fast for a minute, too.
inline constexpr std::size_t kSteadyMinutes = 3;

struct ClientFeatures {
  std::array<float, kFeatures> values{};
  // What harm is read from; no inputs of the model. Errors are here what may be a client's own
  // doing (ClientCounters::client_errors): nobody is to blame for a service that fails.
  float client_error_ratio = 0;  ///< over the last five minutes, shrunk
  /// The others' now (ErrorBackground): it tells a client that fails from a service that fails
  /// everybody.
  float background_error_ratio = 0;
  float hour_responses = 0;      ///< fading, like hour_requests
  float hour_excess_errors = 0;  ///< fading: errors beyond what everybody suffered at their time
  float hour_excess_ratio = 0;   ///< of the fading responses, shrunk
  float hour_breakages = 0;      ///< fading: errors of which it is open who is to blame
  float failed_paths = 0;        ///< about so many distinct ones failed within five minutes
  float steady_requests = 0;  ///< in a minute: as many in kSteadyMinutes of the last five, or more
  /// In the busiest of them: a flood is one from its first minute on, whatever the client did in
  /// those before.
  float busiest_requests = 0;
  bool fresh_errors = true;  ///< some came since the client was last looked at
  /// Its own, where the client nearly only fails (three times or more) and its neighbours do too.
  std::optional<FailingNeighbourhood> neighbourhood = {};
  /// Of the client's latest request: 1 + its index among the names that whoever made the features
  /// keeps; 0: not known. It says what is usual for such a client.
  std::uint8_t tier = 0;

  [[nodiscard]] float operator[](Feature f) const { return values[static_cast<std::size_t>(f)]; }
  [[nodiscard]] float& operator[](Feature f) { return values[static_cast<std::size_t>(f)]; }
};

/// Plain sums over the last five minutes, for rules on a client's own figures and for people.
struct ClientFigures {
  std::uint32_t requests = 0;
  std::uint32_t denied = 0;
  std::uint32_t responses = 0;
  std::uint32_t errors = 0;
  std::uint32_t client_errors = 0;
  std::array<std::uint32_t, limiter::kAgentClasses> class_requests{};
  std::array<std::uint32_t, limiter::kAgentClasses> class_errors{};
  double requests_per_minute = 0;
  double error_ratio = 0;  ///< plain, not shrunk
  double endpoint_concentration = 0;
  double agent_diversity = 0;
};

/// What an update brought of a client, while figures also hold what came up to five minutes ago.
struct Arrivals {
  bool requests = false;
  bool errors = false;
  bool client_errors = false;
  std::uint8_t class_requests = 0;  ///< one bit for each class that some came of
  std::uint8_t class_errors = 0;

  Arrivals& operator|=(const Arrivals& more) {
    requests |= more.requests;
    errors |= more.errors;
    client_errors |= more.client_errors;
    class_requests |= more.class_requests;
    class_errors |= more.class_errors;
    return *this;
  }
};

/// Five-minute memories of the clients of one ClientTable, indexed by slot: the control plane's
/// side of it. One thread. 256 bytes for each slot that was ever used, and 128 more where user
/// agents fall into a rule's class; so bounded by the table's capacity.
/// For every second of them, 32 bytes keep a neighbourhood.
///   Counts are kept by minute, the running one included: "five minutes" are four to five.
class ClientProfiles {
 public:
  /// `seed` keys where neighbourhoods lie.
  explicit ClientProfiles(std::size_t capacity, std::uint64_t seed = 0);
  ~ClientProfiles();
  /// When all slots were used; `by_class`: by clients whose user agents fall into classes.
  [[nodiscard]] static std::size_t most_bytes(std::size_t capacity, bool by_class);

  /// Folds what was collected from the table at `now`, which never goes back. `fresh` resets the
  /// slot. What came since the last update of the slot.
  Arrivals update(std::uint32_t slot, bool fresh, const ClientId& client,
                  const limiter::ClientCounters& counters, Instant now);

  /// Of these user-agent classes, one bit each, nothing came yet: they are others' from now on.
  void forget_classes(std::uint8_t classes);

  /// Begin to fetch what update will touch: first where it lies, then, a little later, that, and in
  /// the end its neighbourhood.
  void prefetch_seat(std::uint32_t slot) const { seats_.prefetch(slot); }
  void prefetch(std::uint32_t slot) const;
  void prefetch_neighbourhood(std::uint32_t slot) const;
  void use_huge_pages();

  /// Where the slot's profile lies among those that are used; others may lay theirs out likewise.
  [[nodiscard]] std::uint32_t seat(std::uint32_t slot) const { return seats_.of(slot); }
  [[nodiscard]] ClientId client(std::uint32_t slot) const;
  /// ClientFigures::requests alone, in less time.
  [[nodiscard]] std::uint32_t requests(std::uint32_t slot, Instant now) const;
  [[nodiscard]] ClientFigures figures(std::uint32_t slot, Instant now) const;
  /// With what the table has counted of the same client since the last update: requests, denied,
  /// responses and errors, and what follows from them.
  [[nodiscard]] ClientFigures figures(std::uint32_t slot, const limiter::ClientCounters& counters,
                                      Instant now) const;
  [[nodiscard]] ClientFeatures features(std::uint32_t slot, Instant now) const;
  /// ClientFeatures::neighbourhood alone, in less time.
  [[nodiscard]] std::optional<FailingNeighbourhood> failing_with(std::uint32_t slot,
                                                                 Instant now) const;

 private:
  struct Profile;
  struct ClassProfile;
  struct Recent;
  void add_excess(Profile& profile, std::uint32_t responses, std::uint32_t errors,
                  Instant now) const;
  [[nodiscard]] Recent recent(const Profile& profile, Instant now) const;
  [[nodiscard]] ClientFigures figures_of(std::uint32_t seat, const Recent& recent) const;
  /// The client's part in the background, `passed` minutes after the profile's own.
  [[nodiscard]] static ErrorBackground::Own weight_of(const Profile& profile, std::uint32_t passed);

  Seats seats_;
  limiter::ZeroedArray<Profile> profiles_;      // [seat]; nobody sits on the first
  limiter::ZeroedArray<ClassProfile> classes_;  // likewise
  ErrorBackground background_;
  Neighbourhoods neighbourhoods_;
};

}  // namespace tidelimit::traffic
