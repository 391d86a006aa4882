#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "limiter/client_table.hpp"
#include "traffic/client_profile.hpp"
#include "traffic/request.hpp"

namespace tidelimit::traffic {

struct ClientReplayOptions {
  /// The table is read into the profiles so often, as a gate's scans do: rates of clients that just
  /// came are as exact as that.
  Nanos fold{std::chrono::seconds{10}};
  Nanos step{std::chrono::minutes{1}};      ///< clients are looked at once a step
  std::size_t client_bytes = 64u << 20;     ///< of the client table
  std::uint64_t seed = 0x7469646572756c65;  ///< keys the hashing; equal seeds give equal features
  /// User-agent patterns whose requests are counted by class; at most limiter::kAgentClasses.
  std::vector<std::string> agent_patterns;
};

/// Logged requests through the same client table and profiles that serve live traffic, in virtual
/// time: whatever is learnt or explained offline sees what a gate would have seen. One thread.
///   A request without a status counts as one whose response is unknown. Requests out of order
///   count at the latest time seen.
class ClientReplay {
 public:
  explicit ClientReplay(const ClientReplayOptions& options = {});

  /// Feeds one request; at the end of each step `visit(slot, fresh, client, WallTime)` is called
  /// for every client active in it, with `profiles()` and `now()` standing at that end.
  template <class Visit>
  void add(const Request& request, Visit&& visit) {
    if (!step_ends_) {
      start_ = std::chrono::floor<std::chrono::minutes>(request.time);
      step_ends_ = start_ + options_.step;
      fold_ends_ = start_ + options_.fold;
    }
    if (request.time >= fold_ends_) {
      if (request.time >= *step_ends_) {
        finish(visit);
        step_ends_ = next_end(*step_ends_, options_.step, request.time);
      } else {
        fold(fold_ends_);
      }
      fold_ends_ = std::min(next_end(fold_ends_, options_.fold, request.time), *step_ends_);
    }
    now_ = std::max(now_, instant_of(request.time));
    count(request);
  }

  /// Ends the running step; call it after the last request.
  template <class Visit>
  void finish(Visit&& visit) {
    if (!step_ends_) {
      return;
    }
    fold(*step_ends_);
    for (const Active& active : active_) {
      visit(active.slot, active.fresh, active.client, *step_ends_);
    }
    active_.clear();
    ++step_;
  }

  [[nodiscard]] const ClientProfiles& profiles() const { return profiles_; }
  [[nodiscard]] ClientFeatures features(std::uint32_t slot) const {
    ClientFeatures features = profiles_.features(slot, now_);
    features.tier = table_.tier(slot);
    return features;
  }
  /// What came in the step that is visited.
  [[nodiscard]] Arrivals arrivals(std::uint32_t slot) const { return active_in_[slot].arrivals; }
  /// The names that ClientFeatures::tier speaks of, in the order in which they came.
  [[nodiscard]] const std::vector<std::string>& tiers() const { return tiers_; }
  [[nodiscard]] Instant now() const { return now_; }

 private:
  struct Active {
    std::uint32_t slot = 0;
    bool fresh = false;
    ClientId client;
  };
  struct InStep {
    std::uint32_t step = 0;  ///< in which the slot was last active
    Arrivals arrivals;
  };

  [[nodiscard]] static WallTime next_end(WallTime end, Nanos length, WallTime time) {
    return end + length * ((time - end) / length + 1);
  }

  /// Reads the table as it stands right before `end`; the last moment belongs to its own minute.
  void fold(WallTime end);
  [[nodiscard]] Instant instant_of(WallTime time) const { return Instant{time - start_}; }

  void count(const Request& request);
  [[nodiscard]] std::uint32_t hash32(std::string_view text) const;
  /// Which patterns a user agent matches; most requests find it in the cache.
  [[nodiscard]] std::uint8_t classes_of(std::uint32_t hash, std::string_view agent);
  /// From 1 on. More names than there are tiers anywhere, or longer ones, are no tiers, and so not
  /// known.
  [[nodiscard]] std::uint8_t number_of(std::string_view tier);

  struct KnownAgent {
    std::uint32_t hash = 0;
    std::uint8_t classes = 0;
    bool filled = false;
  };

  ClientReplayOptions options_;
  std::array<KnownAgent, 512> known_agents_{};
  limiter::ClientTable table_;
  ClientProfiles profiles_;
  std::vector<std::string> tiers_;
  std::string path_buffer_;
  WallTime start_{};
  std::optional<WallTime> step_ends_;
  WallTime fold_ends_{};
  std::uint32_t step_ = 1;
  std::vector<InStep> active_in_;  ///< by slot
  std::vector<Active> active_;     ///< in this step
  Instant now_{};
};

}  // namespace tidelimit::traffic
