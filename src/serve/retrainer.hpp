#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engine/engine.hpp"
#include "forecast/renewal.hpp"
#include "model/bundle.hpp"
#include "serve/gate/settings.hpp"
#include "serve/net/clock.hpp"
#include "serve/notes.hpp"

namespace tidelimit::serve {

/// Trains the forecast anew on stored windows, when the configuration says so (forecast.retrain):
/// by schedule, or because the model drifted. The outcome takes the running model's place only if
/// it was closer on the newest windows, which neither was trained on (forecast::renew); the one
/// before is kept (store::replace_bundle), and the control thread takes the folder up as if
/// somebody had trained by hand. The detector of odd clients stays as it is. Where another bundle
/// was installed while it trained, or what runs was chosen by hand, the outcome is dropped.
///
/// On a thread of its own that runs when the machine has nothing else to do (SCHED_IDLE). Failures
/// are noted as "retraining" and leave what runs. A bundle in force that can't be read is looked at
/// again within minutes: that is no attempt yet.
class Retrainer {
 public:
  enum class Ending : std::uint8_t { taken, kept, failed };
  static constexpr std::array kEndings{Ending::taken, Ending::kept, Ending::failed};
  [[nodiscard]] static const char* to_string(Ending ending);

  /// Looks every `look` whether a training is due.
  Retrainer(engine::Engine& engine, const SettingsSlot& settings, const Clock& clock, Notes& notes,
            Nanos look = std::chrono::seconds{10});
  ~Retrainer();  ///< as stop()
  Retrainer(const Retrainer&) = delete;
  Retrainer& operator=(const Retrainer&) = delete;

  void start();
  /// Asks for the end, of a training under way too: it comes at the next step of its work.
  void abandon();
  /// Waits for that end, having asked for it. False: it did not come within `patience`, as on a
  /// machine that is busy without end, and the thread was let go; then the process must end without
  /// destroying what it refers to.
  [[nodiscard]] bool stop(std::chrono::milliseconds patience);

  // From any thread.

  /// When the next one by schedule is due; empty: none is, or the first look is to come.
  [[nodiscard]] std::optional<WallTime> next() const { return unless_never(next_); }
  /// When the one that runs began; empty: none runs.
  [[nodiscard]] std::optional<WallTime> since() const { return unless_never(since_); }
  [[nodiscard]] std::uint64_t count(Ending ending) const {
    return counts_[static_cast<std::size_t>(ending)];
  }

 private:
  void run();
  void look_safely();
  void look(Now now);
  /// Why a training is due, in words; empty: it is not.
  [[nodiscard]] std::string due(const config::Config& config, WallTime now);
  [[nodiscard]] std::optional<WallTime> renewed_at(const std::filesystem::path& folder,
                                                   WallTime now);
  [[nodiscard]] WallTime next_after(const config::Config& config, WallTime now);
  [[nodiscard]] Result<model::Bundle> read_running(const config::Config& config, Instant now);
  void retrain(const config::Config& config, WallTime now, const std::string& why,
               model::Bundle bundle);
  [[nodiscard]] Result<void> attempt(const config::Config& config, WallTime now,
                                     model::Bundle bundle);
  [[nodiscard]] Result<void> conclude(const config::Config& config, model::Bundle bundle,
                                      const forecast::Renewal& renewal);
  void tell(Ending ending, const std::string& words);

  engine::Engine& engine_;
  const SettingsSlot& settings_;
  const Clock& clock_;
  Notes& notes_;
  const Nanos look_;
  static constexpr WallTime kNever = WallTime::max();
  [[nodiscard]] static std::optional<WallTime> unless_never(WallTime time) {
    return time == kNever ? std::nullopt : std::optional(time);
  }
  struct Ahead {
    WallTime placed;
    WallTime seen;
  };
  std::optional<WallTime> last_;  ///< when it was last tried, by this process
  std::optional<Ahead> ahead_;    ///< the model in force, if its file's time is ahead of the clock
  std::optional<Instant> read_again_;  ///< the bundle in force could not be read: when to try
  std::atomic<WallTime> next_{kNever};
  std::atomic<WallTime> since_{kNever};
  std::array<std::atomic<std::uint64_t>, kEndings.size()> counts_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopping_{false};  ///< written under mutex_
  bool done_ = false;                  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace tidelimit::serve
