#include "ingest/read_ahead.hpp"

#include <utility>

namespace tidelimit::ingest {

ReadAhead::ReadAhead(std::function<bool(traffic::Request&)> next, Look look)
    : next_(std::move(next)),
      look_(std::move(look)),
      blocks_{traffic::RequestBlock(kBlockRequests), traffic::RequestBlock(kBlockRequests),
              traffic::RequestBlock(kBlockRequests), traffic::RequestBlock(kBlockRequests)},
      thread_([this] { read(); }) {}

ReadAhead::~ReadAhead() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::span<const traffic::Request> ReadAhead::take() {
  std::unique_lock lock(mutex_);
  if (std::exchange(holds_, false)) {
    ++taken_;
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return read_ > taken_ || ended_; });
  if (read_ > taken_) {
    holds_ = true;
    block_ = taken_ % kBlocks;
    return blocks_[block_].requests();
  }
  if (trouble_) std::rethrow_exception(std::exchange(trouble_, nullptr));
  return {};
}

void ReadAhead::read() {
  traffic::BlockFiller filler;
  std::exception_ptr trouble;
  try {
    for (bool more = true; more;) {
      std::size_t block = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stopped_ || read_ - taken_ < kBlocks; });
        if (stopped_) break;
        block = read_ % kBlocks;
      }
      more = filler.fill(blocks_[block], next_);
      if (!more) break;
      if (look_) look_(block, blocks_[block].requests());
      {
        std::lock_guard lock(mutex_);
        ++read_;
      }
      changed_.notify_all();
    }
  } catch (...) {
    trouble = std::current_exception();
  }
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
    trouble_ = trouble;
  }
  changed_.notify_all();
}

}  // namespace tidelimit::ingest
