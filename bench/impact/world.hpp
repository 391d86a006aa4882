#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace tidelimit::impact {

/// The shop of the experiment: what its customers ask for, what that costs its upstream, and what
/// happens on the evening that is played. One set of figures for every arm; docs/impact.md says why
/// each is what it is.

inline constexpr std::size_t kTiers = 2;
inline constexpr std::size_t kPrm = 0;
inline constexpr std::size_t kStd = 1;
inline constexpr std::array<std::string_view, kTiers> kTierNames{"PRM", "STD"};

/// One kind of call. Rates are good customers' at the usual daily peak.
struct Offer {
  std::string_view endpoint;
  std::array<double, kTiers> per_second_at_peak;
  double service_ms;   ///< mean time that a worker is busy with one
  double service_cv;   ///< its standard deviation over its mean (log-normal)
  double deadline_ms;  ///< an answer that comes later is worth nothing
  double error_ratio;  ///< of good customers' calls (a typing error, a card refused)
  std::uint16_t error_status;
};
inline constexpr std::array<Offer, 3> kOffers{{
    {"payment", {6, 6}, 250, 0.6, 2000, 0.03, 402},
    {"browse", {10, 30}, 100, 0.6, 1000, 0.02, 404},
    {"search", {2, 6}, 200, 0.6, 1000, 0.005, 400},
}};
inline constexpr std::size_t kPayment = 0;
inline constexpr std::size_t kBrowse = 1;
inline constexpr std::size_t kSearch = 2;

/// Calls that match no endpoint of the configuration (a scanner's): cheap, a 404.
inline constexpr double kOtherServiceMs = 20;

/// The upstream: 1.3 times the work of the usual daily peak, in whole workers, and the places of an
/// ordinary listen queue.
inline constexpr int kWorkers = 11;
inline constexpr std::size_t kQueue = 128;

/// Work that good customers bring at the usual daily peak, in busy workers.
[[nodiscard]] constexpr double peak_work() {
  double work = 0;
  for (const Offer& offer : kOffers)
    work += (offer.per_second_at_peak[0] + offer.per_second_at_peak[1]) * offer.service_ms / 1e3;
  return work;
}
static_assert(kWorkers <= 1.3 * peak_work() && kWorkers + 1 > 1.3 * peak_work());

/// The day that is played: a Tuesday, all times UTC.
inline constexpr WallTime kDay{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}};

struct Span {
  Nanos from, until;  ///< since midnight
  [[nodiscard]] constexpr bool holds(Nanos time) const { return time >= from && time < until; }
};
/// Every Tuesday /payment doubles for an hour: known to whoever has seen a few of them.
inline constexpr Span kSpike{std::chrono::hours{18}, std::chrono::hours{19}};
inline constexpr double kSpikeFactor = 2;
inline constexpr Nanos kSpikeRamp = std::chrono::minutes{2};
/// Three malicious addresses are at work for most of the spike.
inline constexpr Span kAttack{std::chrono::hours{18} + std::chrono::minutes{5},
                              std::chrono::hours{19}};

/// Then a flood of browsing, from each address as fast as from any other.
struct Flood {
  Span span{std::chrono::hours{19} + std::chrono::minutes{30},
            std::chrono::hours{19} + std::chrono::minutes{40}};
  double per_second = 500;  ///< all addresses together
  std::uint64_t addresses = 50;
};
/// How a play differs from the others.
struct Staging {
  Flood flood;
  /// How many times as fast as time itself the day goes by; rates and latencies stay what they are,
  /// so that a shorter day has fewer calls.
  int pace = 1;
};
/// With real processes: the spike lasts 72 seconds, the flood ten; nearly three minutes are calm.
inline constexpr Staging kLive{{{std::chrono::hours{19} + std::chrono::minutes{8},
                                 std::chrono::hours{19} + std::chrono::minutes{16}},
                                120,
                                12},
                               50};
inline constexpr Span kLiveSpan{std::chrono::hours{15} + std::chrono::minutes{59},
                                std::chrono::hours{19} + std::chrono::minutes{26}};

enum class Phase : std::uint8_t { calm, spike, flood };
inline constexpr std::size_t kPhases = 3;
[[nodiscard]] constexpr Phase phase_at(Nanos since_midnight, const Flood& flood) {
  if (kSpike.holds(since_midnight)) return Phase::spike;
  return flood.span.holds(since_midnight) ? Phase::flood : Phase::calm;
}

/// Share of the daily peak's rate at a time of day, spikes left out: 0.24 at seven in the morning,
/// 1 at seven in the evening.
[[nodiscard]] double share_of_peak(Nanos since_midnight);
/// What a weekly spike makes of /payment's rate at this moment; `weekday` 0 is Monday.
[[nodiscard]] double spike_factor(int weekday, Nanos since_midnight);

/// The arms of the experiment, all on the same arrivals.
enum class Arm : std::uint8_t {
  none,       ///< nobody limits anything
  fixed,      ///< the base limits of the configuration, for ever
  reactive,   ///< tidelimit without forecasts
  ruled,      ///< the same with the forecast, and a rule on it; knows no capacity
  whole,      ///< tidelimit: in that rule's place the upstream's capacity, divided by the forecast
  limit_req,  ///< nginx's own limits, as those of the configuration
  // The same gates where no latency is told to them: a log without one, or Envoy's rate limit
  // service, which hears of no answer.
  reactive_untold,
  whole_untold,
};
inline constexpr std::size_t kArms = 8;
inline constexpr std::array<Arm, 7> kVirtualArms{Arm::none,        Arm::fixed, Arm::reactive,
                                                 Arm::ruled,       Arm::whole, Arm::reactive_untold,
                                                 Arm::whole_untold};
inline constexpr std::array<Arm, 6> kLiveArms{Arm::none,     Arm::fixed, Arm::limit_req,
                                              Arm::reactive, Arm::ruled, Arm::whole};
[[nodiscard]] constexpr bool divides(Arm arm) {
  return arm == Arm::whole || arm == Arm::whole_untold;
}
[[nodiscard]] constexpr bool forecasts(Arm arm) {
  return divides(arm) || arm == Arm::ruled;
}
[[nodiscard]] constexpr bool adapts(Arm arm) {
  return forecasts(arm) || arm == Arm::reactive || arm == Arm::reactive_untold;
}
[[nodiscard]] constexpr bool told_of_latency(Arm arm) {
  return arm != Arm::reactive_untold && arm != Arm::whole_untold;
}
[[nodiscard]] std::string_view name_of(Arm arm);

/// The configuration of an arm that has one, as YAML: the same limits in all. At another pace than
/// 1 what holds and relaxes by the clock does so faster.
[[nodiscard]] std::string configuration(Arm arm, int pace = 1);

}  // namespace tidelimit::impact
