#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "cli/quickstart/past.hpp"

namespace tidelimit::cli::quickstart {

/// SIGINT, SIGTERM and, but under nohup, SIGHUP of a closed terminal, in two acts. While the
/// demonstration is prepared they end the process at once, as they do `train`, and what is half
/// written in the folder is removed; once it serves, they wait to be taken. Blocks them for every
/// thread that starts later.
class EndSignals {
 public:
  explicit EndSignals(const Files& files);
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  /// The second act.
  void begin_serving();
  /// The signal that came, or comes while it waits so long; else 0.
  [[nodiscard]] int take(std::chrono::nanoseconds patience) const;

  /// Ends the process as such a signal does that nobody handles: a shell says 128 + its number.
  [[noreturn]] static void end_by(int signal);

 private:
  void end_at_once();

  const Files& files_;
  const bool hangup_ends_;
  const sigset_t signals_;
  std::atomic<bool> serving_{false};
  std::thread thread_;
};

}  // namespace tidelimit::cli::quickstart
