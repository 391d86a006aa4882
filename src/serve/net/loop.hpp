#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "serve/net/clock.hpp"
#include "serve/net/socket.hpp"

namespace tidelimit::serve {

/// Something with a descriptor in a loop.
class Source {
 public:
  virtual ~Source() = default;
  /// `events` as epoll names them. A source may be destroyed by its own call, by no other source's.
  virtual void on_ready(std::uint32_t events) = 0;
};

/// One event loop on one thread: epoll, edge-triggered where the source asks for it.
/// A turn: wait, read the clock once, serve every source that is ready, run what other threads
/// posted, and once a second the housekeeping. Sources of any protocol share the loop; none of them
/// may block.
/// Thread safety: `post` and `stop` from any thread, everything else from the loop's own (or before
/// `run`).
class Loop {
 public:
  explicit Loop(const Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] bool add(int fd, std::uint32_t events, Source& source);
  void change(int fd, std::uint32_t events, Source& source);
  void remove(int fd);

  /// Serves `source` again in the next turn, though no new event came: it stopped reading out of
  /// fairness. Asked for at most once a turn by each source.
  void again(Source& source) { again_.push_back(&source); }
  /// To be called by a source that goes while it may be in that list.
  void forget(const Source& source);

  void post(std::function<void()> task);
  void every_second(std::function<void()> work) { housekeeping_.push_back(std::move(work)); }
  /// Runs at the end of every turn in which something was served.
  void after_turn(std::function<void()> work) { after_turn_.push_back(std::move(work)); }

  void run();
  void stop();

  /// The one reading of the clock of this turn.
  [[nodiscard]] const Now& now() const { return now_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
  void wait();
  void run_posted();
  void keep_house();

  const Clock& clock_;
  Now now_;
  Fd epoll_;
  Fd wake_;
  bool stopping_ = false;
  Instant next_housekeeping_{};
  std::vector<Source*> again_;
  std::vector<Source*> ready_again_;
  std::vector<std::function<void()>> housekeeping_;
  std::vector<std::function<void()>> after_turn_;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  ///< guarded by mutex_
};

}  // namespace tidelimit::serve
