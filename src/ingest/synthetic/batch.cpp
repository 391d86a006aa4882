#include "ingest/synthetic/batch.hpp"

#include <algorithm>

namespace tidelimit::synthetic {

void Batch::begin(WallTime minute) {
  minute_ = minute;
  rows_.clear();
  order_.clear();
  position_ = 0;
  block_ = 0;
  used_ = 0;
}

traffic::Request& Batch::add(std::uint64_t millisecond) {
  order_.push_back(millisecond << 32 | rows_.size());
  traffic::Request& row = rows_.emplace_back();
  row.time = minute_ + std::chrono::milliseconds{millisecond};
  return row;
}

std::string_view Batch::keep(std::string_view text) {
  if (text.size() > kBlock) text = text.substr(0, kBlock);
  if (!blocks_.empty() && used_ + text.size() > kBlock) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) blocks_.push_back(std::make_unique<char[]>(kBlock));
  char* const start = blocks_[block_].get() + used_;
  std::memcpy(start, text.data(), text.size());
  used_ += text.size();
  return {start, text.size()};
}

void Batch::sort() {
  std::sort(order_.begin(), order_.end());
}

const traffic::Request* Batch::next() {
  if (position_ == order_.size()) return nullptr;
  return &rows_[order_[position_++] & 0xffffffffU];
}

}  // namespace tidelimit::synthetic
