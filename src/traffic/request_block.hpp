#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "traffic/request_texts.hpp"

namespace tidelimit::traffic {

/// Copies of requests with their texts beside them: what a reader lends ends with its next record,
/// a block holds until it is cleared. One thread at a time.
class RequestBlock {
 public:
  static constexpr std::size_t kTextBytes = 256;  ///< room for a request, on average

  explicit RequestBlock(std::size_t most)
      : most_(most), room_(most * kTextBytes), text_(std::make_unique<char[]>(room_)) {
    requests_.reserve(most);
  }

  [[nodiscard]] std::span<const Request> requests() const { return requests_; }

  /// False when there is no room for it; an empty block has room for any.
  [[nodiscard]] bool keep(const Request& request) {
    if (requests_.size() == most_) return false;
    Request copy = request;
    const auto texts = texts_of(copy);
    std::size_t bytes = 0;
    for (const std::string_view* text : texts) bytes += text->size();
    if (bytes > room_ - used_) {
      if (!requests_.empty()) return false;
      text_ = std::make_unique<char[]>(bytes);  // one line of a megabyte
      room_ = bytes;
    }
    for (std::string_view* text : texts) {
      const std::size_t size = text->copy(text_.get() + used_, text->size());
      *text = {text_.get() + used_, size};
      used_ += size;
    }
    requests_.push_back(copy);
    return true;
  }

  void clear() {
    requests_.clear();
    used_ = 0;
  }

 private:
  std::size_t most_;
  std::size_t room_;
  std::size_t used_ = 0;
  std::unique_ptr<char[]> text_;
  std::vector<Request> requests_;
};

/// Fills blocks from a reader: bool next(Request&), which is not asked again once it had no more. A
/// request for which a block had no room begins the next one.
class BlockFiller {
 public:
  /// True if there is anything in the block.
  template <class Next>
  bool fill(RequestBlock& block, Next&& next) {
    block.clear();
    if (waiting_ && !block.keep(request_)) return false;
    waiting_ = false;
    while (!ended_) {
      ended_ = !next(request_);
      if (!ended_ && !block.keep(request_)) {
        waiting_ = true;  // the reader lends it until it is asked again, which is after this
        break;
      }
    }
    return !block.requests().empty();
  }

 private:
  Request request_;
  bool waiting_ = false;
  bool ended_ = false;
};

}  // namespace tidelimit::traffic
