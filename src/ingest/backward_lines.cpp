#include "ingest/backward_lines.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/line_reader.hpp"

namespace tidelimit::ingest {
namespace {

constexpr std::size_t kBuffer = 256 * 1024;

class BackwardLines final : public ByteStream {
 public:
  BackwardLines(std::shared_ptr<const StoredBytes> bytes, bool header_first)
      : bytes_(std::move(bytes)), end_(bytes_->size()), header_(header_first), buffer_(kBuffer) {
    if (load(0, std::min<std::uint64_t>(end_, kByteOrderMark.size())) &&
        std::string_view(buffer_.data(), window_end_) == kByteOrderMark) {
      first_ = kByteOrderMark.size();
    }
  }

  Result<std::size_t> read(std::span<char> out) override {
    std::size_t given = 0;
    while (given < out.size()) {
      if (line_ == line_end_ && !line_feed_) {
        const auto more = header_ ? find_header() : find_line();
        if (!more) return tl::unexpected(more.error());
        if (!*more) break;
      }
      const auto n = give(out.subspan(given));
      if (!n) return n;
      given += *n;
    }
    return given;
  }

 private:
  /// The first line is to be given.
  Result<bool> find_header() {
    header_ = false;
    for (std::uint64_t at = first_; at < end_; at = window_end_) {
      if (auto loaded = load(at, std::min(end_, at + kBuffer)); !loaded)
        return tl::unexpected(loaded.error());
      const auto* found = std::memchr(buffer_.data(), '\n', window_end_ - window_);
      if (found == nullptr) continue;
      set_line(first_,
               at + static_cast<std::uint64_t>(static_cast<const char*>(found) - buffer_.data()));
      return true;
    }
    return find_line();  // a single line
  }

  /// The last line before end_ is to be given, end_ moves to its beginning. False: none is left.
  Result<bool> find_line() {
    if (end_ <= first_) return false;
    if (const auto last = byte(end_ - 1); !last) {
      return tl::unexpected(last.error());
    } else if (*last == '\n') {
      --end_;
    }
    std::uint64_t begin = end_;
    while (begin > first_) {
      if (auto there = byte(begin - 1); !there) return tl::unexpected(there.error());
      const std::string_view before(buffer_.data(), begin - window_);
      const std::size_t found = before.rfind('\n');
      if (found != std::string_view::npos) {
        begin = window_ + found + 1;
        break;
      }
      begin = std::max(window_, first_);
    }
    set_line(begin, end_);
    end_ = begin;
    return true;
  }

  void set_line(std::uint64_t begin, std::uint64_t end) {
    line_ = begin;
    line_end_ = end;
    line_feed_ = true;
  }

  /// Some of the line, or its end.
  Result<std::size_t> give(std::span<char> out) {
    if (line_ == line_end_) {
      line_feed_ = false;
      out.front() = '\n';
      return 1;
    }
    const std::size_t size = std::min<std::uint64_t>(out.size(), line_end_ - line_);
    if (line_ >= window_ && line_ + size <= window_end_) {
      std::memcpy(out.data(), buffer_.data() + (line_ - window_), size);
      line_ += size;
      return size;
    }
    auto n = bytes_->read_at(line_, out.first(size));
    if (n && *n == 0) return shrunk();
    if (n) line_ += *n;
    return n;
  }

  /// The byte at `at`, with as much before it as the buffer holds.
  Result<char> byte(std::uint64_t at) {
    if (at < window_ || at >= window_end_) {
      if (auto loaded = load(at + 1 > kBuffer ? at + 1 - kBuffer : 0, at + 1); !loaded)
        return tl::unexpected(loaded.error());
    }
    return buffer_[at - window_];
  }

  Result<void> load(std::uint64_t begin, std::uint64_t end) {
    window_ = window_end_ = begin;
    while (window_end_ < end) {
      const auto n = bytes_->read_at(
          window_end_, std::span(buffer_).subspan(window_end_ - begin, end - window_end_));
      if (!n) return tl::unexpected(n.error());
      if (*n == 0) return shrunk();
      window_end_ += *n;
    }
    return {};
  }

  static tl::unexpected<Error> shrunk() {
    return fail(Code::data_loss, "became shorter while it was read");
  }

  std::shared_ptr<const StoredBytes> bytes_;
  std::uint64_t first_ = 0;  ///< behind a byte order mark
  std::uint64_t end_;        ///< what is before it is still to be found
  bool header_;              ///< is still to be given
  std::vector<char> buffer_;
  std::uint64_t window_ = 0;  ///< buffer_ holds [window_, window_end_) of the bytes
  std::uint64_t window_end_ = 0;
  std::uint64_t line_ = 0;  ///< [line_, line_end_) is to be given
  std::uint64_t line_end_ = 0;
  bool line_feed_ = false;  ///< and its end behind it
};

}  // namespace

std::unique_ptr<ByteStream> backward_lines(std::shared_ptr<const StoredBytes> bytes,
                                           bool header_first) {
  return std::make_unique<BackwardLines>(std::move(bytes), header_first);
}

Result<std::uint64_t> count_lines(const StoredBytes& bytes) {
  std::vector<char> buffer(kBuffer);
  std::uint64_t lines = 0;
  char last = '\n';
  for (std::uint64_t at = 0; at < bytes.size();) {
    const std::uint64_t left = bytes.size() - at;
    const auto n =
        bytes.read_at(at, std::span(buffer).first(std::min<std::uint64_t>(left, buffer.size())));
    if (!n) return tl::unexpected(n.error());
    if (*n == 0) break;
    lines += static_cast<std::uint64_t>(
        std::count(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*n), '\n'));
    last = buffer[*n - 1];
    at += *n;
  }
  return last == '\n' ? lines : lines + 1;
}

}  // namespace tidelimit::ingest
