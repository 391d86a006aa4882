#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.hpp"
#include "serve/admin/tokens.hpp"
#include "serve/cpu_meter.hpp"
#include "serve/gate/settings.hpp"
#include "serve/net/clock.hpp"
#include "serve/notes.hpp"
#include "serve/status_log.hpp"

namespace tidelimit::serve {

/// Settings that are taken up at start only, where they differ: "listen.http". Pure.
[[nodiscard]] std::vector<std::string> fixed_settings_changed(const config::Config& before,
                                                              const config::Config& after);

/// How the last reading of the configuration went, for metrics.
struct ReloadState {
  std::atomic<bool> successful{true};
  std::atomic<std::int64_t> success_unix_seconds{0};
};

/// The control plane's thread: every second (or when the engine is due earlier) it measures CPU,
/// turns the engine, and looks after changed files: the configuration, the bundles, the
/// tokens. Whatever fails or hangs here stops no loop; a file that can't be used is refused with a
/// word and what ran goes on running.
class ControlThread {
 public:
  ControlThread(engine::Engine& engine, const Clock& clock, SettingsSlot& settings,
                TokenSlot& tokens, Notes& notes, ReloadState& reload);
  ~ControlThread();
  ControlThread(const ControlThread&) = delete;
  ControlThread& operator=(const ControlThread&) = delete;

  void start();
  /// Reads the configuration anew at once, changed or not.
  void reload();
  /// A last turn, then the end. False: it hangs, and its thread was let go; the process must end
  /// without destroying what it uses.
  [[nodiscard]] bool stop(std::chrono::milliseconds patience);

  /// When the last turn ended.
  [[nodiscard]] Instant last_turn() const { return {Nanos{last_turn_ns_.load()}}; }

 private:
  /// A file or folder that is watched by its fingerprint: acted on when it changed and then stayed
  /// the same for one look, so that half-written files are left alone.
  struct Watched {
    std::string acted_on;
    std::string seen;
    [[nodiscard]] bool settled_anew(std::string fingerprint);
  };

  void run();
  void turn();
  void look_after_files();
  void read_configuration();
  void tell_history(const config::Config& config);
  void note_configuration(const std::vector<std::string>& fixed,
                          const std::optional<engine::ConfigurationHold>& hold);
  void note_missing_models(const config::Config& config);
  void read_models(const config::Config& config);
  void read_tokens(const config::Config& config);
  [[nodiscard]] Nanos until_next_turn() const;

  engine::Engine& engine_;
  const Clock& clock_;
  SettingsSlot& settings_;
  TokenSlot& tokens_;
  Notes& notes_;
  ReloadState& reload_;
  CpuMeter cpu_;
  StatusLog log_;
  Watched configuration_file_;
  Watched model_folders_;
  Watched token_file_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;      ///< guarded by mutex_
  bool reload_asked_ = false;  ///< guarded by mutex_
  bool done_ = false;          ///< guarded by mutex_
  std::atomic<Nanos::rep> last_turn_ns_{0};
  std::thread thread_;
};

}  // namespace tidelimit::serve
