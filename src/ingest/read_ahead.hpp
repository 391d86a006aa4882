#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include "traffic/request_block.hpp"

namespace tidelimit::ingest {

/// Reads requests on a thread of its own, a few blocks ahead of whoever takes them, so that
/// unpacking and parsing a log go on while its requests are decided. Order and content are the
/// reader's. Bounded memory.
class ReadAhead {
 public:
  static constexpr std::size_t kBlocks = 4;
  static constexpr std::size_t kBlockRequests = 512;  ///< at most in one
  /// What else is to be done on the reading thread: with the requests of each block, which is one
  /// of kBlocks.
  using Look = std::function<void(std::size_t block, std::span<const traffic::Request>)>;

  /// `next` runs on the reading thread, until it returns false or this object ends.
  explicit ReadAhead(std::function<bool(traffic::Request&)> next, Look look = {});
  /// Waits for the reading thread, which ends after the block it is at.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// The next requests, in order; they hold until the next call. Empty: there are no more, and the
  /// reading thread asks `next` no more. What `next` threw is thrown here.
  [[nodiscard]] std::span<const traffic::Request> take();
  /// The block that was taken last.
  [[nodiscard]] std::size_t block() const { return block_; }

 private:
  void read();

  const std::function<bool(traffic::Request&)> next_;
  const Look look_;
  std::array<traffic::RequestBlock, kBlocks> blocks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t read_ = 0;        // guarded by mutex_: blocks filled so far
  std::size_t taken_ = 0;       // guarded by mutex_: blocks given back so far
  bool holds_ = false;          // the taker has a block:
  std::size_t block_ = 0;       // the taker's
  bool ended_ = false;          // guarded by mutex_
  bool stopped_ = false;        // guarded by mutex_
  std::exception_ptr trouble_;  // guarded by mutex_
  std::thread thread_;          // last: it uses all of the above
};

}  // namespace tidelimit::ingest
