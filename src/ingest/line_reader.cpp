#include "ingest/line_reader.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "ingest/csv_row.hpp"

namespace tidelimit::ingest {
namespace {

/// Large enough that calls vanish, small enough to stay in the second-level cache.
constexpr std::size_t kBuffer = 256 * 1024;
/// How far a record of several lines may go.
constexpr std::uint64_t kMaxJoined = 1000;
constexpr std::size_t kMaxRecord = 64 * 1024;

}  // namespace

LineReader::LineReader(std::unique_ptr<ByteStream> stream)
    : stream_(std::move(stream)), buffer_(kBuffer + kLinePadding) {}

bool LineReader::next(Line& line) {
  if (inside_long_line_) skip_to_line_end();
  skip_holes();
  std::size_t searched = begin_;
  for (;;) {
    const auto* newline =
        static_cast<const char*>(std::memchr(buffer_.data() + searched, '\n', end_ - searched));
    if (newline != nullptr) {
      std::size_t size = static_cast<std::size_t>(newline - buffer_.data()) - begin_;
      std::uint64_t joined = 0;
      if (separator_ != 0) size = record_size(size, joined);  // may move begin_
      deliver(line, begin_ + size, size > kMaxLine);
      number_ += joined;
      begin_ = std::min(begin_ + size + 1, end_);
      return true;
    }
    if (end_ - begin_ > kMaxLine) {
      deliver(line, begin_ + kMaxLine, true);
      inside_long_line_ =
          true;  // the rest is skipped by the next call: `text` must hold until then
      return true;
    }
    const std::size_t seen = end_ - begin_;
    const bool more = refill();
    if (!more && begin_ == end_) return false;
    if (!more) {
      deliver(line, end_, end_ - begin_ > kMaxLine);
      begin_ = end_;
      return true;
    }
    searched = begin_ + seen;
  }
}

/// The size of the record that begins with the line of `line_size` bytes at begin_, and how many
/// lines more than that one it holds.
std::size_t LineReader::record_size(std::size_t line_size, std::uint64_t& joined) {
  if (std::memchr(buffer_.data() + begin_, '"', line_size) == nullptr) return line_size;
  QuoteScan quotes(separator_);
  std::size_t size = line_size;
  for (std::uint64_t more = 0; more < kMaxJoined; ++more) {
    if (!quotes.read({buffer_.data() + begin_, size})) break;
    if (!quotes.open()) {
      joined = more;
      return size;
    }
    const std::size_t next = find_line_end(size + 1);
    if (next == size || next > kMaxRecord) break;
    size = next;
  }
  return line_size;
}

/// Where the line ends that begins `from` bytes behind begin_, counted from there too; from - 1 at
/// the end of everything. Looks no further than kMaxRecord.
std::size_t LineReader::find_line_end(std::size_t from) {
  for (std::size_t searched = from;;) {
    const char* const text = buffer_.data() + begin_;
    const std::size_t held = end_ - begin_;
    if (searched < held) {
      const auto* newline =
          static_cast<const char*>(std::memchr(text + searched, '\n', held - searched));
      if (newline != nullptr) return static_cast<std::size_t>(newline - text);
    }
    if (held > kMaxRecord || !refill()) return held > from ? held : from - 1;
    searched = held;
  }
}

std::string_view LineReader::preview(std::size_t size) {
  while (end_ < size && refill()) {
  }
  skip_byte_order_mark();
  return {buffer_.data() + begin_, end_ - begin_};
}

/// More bytes behind end_; what is undelivered moves to the front first, and the buffer grows where
/// a line fills it. False at the stream's end.
bool LineReader::refill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t room = buffer_.size() - kLinePadding;
  if (end_ == room) buffer_.resize(2 * room + kLinePadding);
  const auto n =
      stream_->read(std::span(buffer_).subspan(end_, buffer_.size() - kLinePadding - end_));
  if (!n) problem_ = n.error();
  at_end_ = !n || *n == 0;
  if (at_end_) return false;
  end_ += *n;
  bytes_ += *n;
  return true;
}

void LineReader::skip_byte_order_mark() {
  if (number_ > 0 || begin_ > 0) return;
  while (end_ < kByteOrderMark.size() && refill()) {
  }
  if (std::string_view(buffer_.data(), end_).starts_with(kByteOrderMark)) {
    begin_ = kByteOrderMark.size();
  }
}

/// NUL bytes at the start of a line.
void LineReader::skip_holes() {
  if (number_ == 0) skip_byte_order_mark();
  if (begin_ == end_ && !refill()) return;
  while (buffer_[begin_] == '\0') {
    const auto first = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
    const auto last = buffer_.begin() + static_cast<std::ptrdiff_t>(end_);
    const auto text = std::find_if(first, last, [](char c) { return c != '\0'; });
    begin_ += static_cast<std::size_t>(text - first);
    if (begin_ == end_ && !refill()) return;
  }
}

void LineReader::skip_to_line_end() {
  inside_long_line_ = false;
  do {
    const auto* newline =
        static_cast<const char*>(std::memchr(buffer_.data() + begin_, '\n', end_ - begin_));
    if (newline != nullptr) {
      begin_ = static_cast<std::size_t>(newline - buffer_.data()) + 1;
      return;
    }
    begin_ = end_;
  } while (refill());
}

void LineReader::deliver(Line& line, std::size_t end, bool too_long) {
  line.text = {buffer_.data() + begin_, end - begin_};
  line.number = ++number_;
  line.too_long = too_long;
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
}

}  // namespace tidelimit::ingest
