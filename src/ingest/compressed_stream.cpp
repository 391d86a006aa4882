#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>
#include <zlib.h>
#include <zstd.h>

#include "ingest/byte_stream.hpp"

namespace tidelimit::ingest {
namespace {

/// Compressed bytes are fetched in pieces of this size: large enough that the calls vanish.
constexpr std::size_t kPiece = 64 * 1024;

/// The undecoded bytes of a stream, with the first few looked at before anything is decided.
class Feed {
 public:
  explicit Feed(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)), piece_(kPiece) {}

  /// What is left of the current piece; refilled when used up. Empty at the end.
  Result<std::span<const char>> more() {
    if (begin_ == end_) {
      auto n = stream_->read(piece_);
      if (!n) return tl::unexpected(n.error());
      begin_ = 0;
      end_ = *n;
    }
    return std::span<const char>(piece_.data() + begin_, end_ - begin_);
  }
  void consume(std::size_t n) { begin_ += n; }

  /// The first bytes, at least `n` unless the stream is shorter. Consumes nothing.
  Result<std::string_view> front(std::size_t n) {
    while (end_ - begin_ < n) {
      std::copy(piece_.begin() + static_cast<std::ptrdiff_t>(begin_),
                piece_.begin() + static_cast<std::ptrdiff_t>(end_), piece_.begin());
      end_ -= begin_;
      begin_ = 0;
      auto got = stream_->read(std::span(piece_).subspan(end_));
      if (!got) return tl::unexpected(got.error());
      if (*got == 0) break;
      end_ += *got;
    }
    return std::string_view(piece_.data() + begin_, end_ - begin_);
  }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::vector<char> piece_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Decodes one compression format; holds the library's state.
class Decoder {
 public:
  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  virtual ~Decoder() = default;

  struct Step {
    std::size_t used = 0;
    std::size_t made = 0;
    const char* damage = nullptr;
  };
  virtual Step decode(std::span<const char> in, std::span<char> out) = 0;
  /// Whether the input may end here: between two members or frames.
  [[nodiscard]] virtual bool complete() const = 0;
  [[nodiscard]] virtual const char* format() const = 0;
};

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() { ok_ = inflateInit2(&state_, kGzipWrapper) == Z_OK; }
  ~GzipDecoder() override { inflateEnd(&state_); }

  Step decode(std::span<const char> in, std::span<char> out) override {
    if (!ok_) return {.damage = "zlib could not start"};
    // After a member ends another one may follow; zero bytes between or after members are padding
    // (tapes, block devices), as gzip(1) treats them.
    if (between_members_) {
      const auto zeros = std::find_if(in.begin(), in.end(), [](char c) { return c != 0; });
      if (zeros != in.begin()) return {.used = static_cast<std::size_t>(zeros - in.begin())};
      inflateReset(&state_);
      between_members_ = false;
    }
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    state_.avail_in = static_cast<uInt>(in.size());
    state_.next_out = reinterpret_cast<Bytef*>(out.data());
    state_.avail_out = static_cast<uInt>(out.size());
    const int status = inflate(&state_, Z_NO_FLUSH);
    Step step{.used = in.size() - state_.avail_in, .made = out.size() - state_.avail_out};
    if (status == Z_STREAM_END)
      between_members_ = true;
    else if (status != Z_OK && status != Z_BUF_ERROR)
      step.damage = "is damaged";
    return step;
  }
  bool complete() const override { return between_members_; }
  const char* format() const override { return "gzip"; }

 private:
  static constexpr int kGzipWrapper = 15 + 16;  // zlib.h: the largest window, gzip header expected
  z_stream state_{};
  bool ok_ = false;
  bool between_members_ = false;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : state_(ZSTD_createDStream()) {
    // Frames of `zstd --long=27` are read; wider windows would let a file choose our memory.
    ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, 27);
  }
  ~ZstdDecoder() override { ZSTD_freeDStream(state_); }

  Step decode(std::span<const char> in, std::span<char> out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const std::size_t status = ZSTD_decompressStream(state_, &output, &input);
    Step step{.used = input.pos, .made = output.pos};
    if (ZSTD_isError(status) != 0)
      step.damage = "is damaged";
    else
      between_frames_ = status == 0;
    return step;
  }
  bool complete() const override { return between_frames_; }
  const char* format() const override { return "zstd"; }

 private:
  ZSTD_DStream* state_;
  bool between_frames_ = false;
};

/// RFC 8878: a frame's magic number, or a skippable frame's (0x184D2A50 to 5F), with which parallel
/// compressors begin.
bool is_zstd(std::string_view front) {
  if (front.starts_with("\x28\xb5\x2f\xfd")) return true;
  return front.size() >= 4 && (front[0] & '\xf0') == '\x50' && front.substr(1, 3) == "\x2a\x4d\x18";
}

class Decompressed final : public ByteStream {
 public:
  explicit Decompressed(std::unique_ptr<ByteStream> stream) : feed_(std::move(stream)) {}

  Result<std::size_t> read(std::span<char> out) override {
    if (finished_) return 0;
    if (pending_) return ended(*std::move(pending_));
    if (!recognised_) {
      if (auto status = recognise(); !status) return ended(std::move(status.error()));
    }
    return decoder_ ? decode(out) : copy(out);
  }

 private:
  Result<void> recognise() {
    recognised_ = true;
    const auto front = feed_.front(4);
    if (!front) return tl::unexpected(front.error());
    if (front->starts_with("\x1f\x8b")) decoder_ = std::make_unique<GzipDecoder>();
    if (is_zstd(*front)) decoder_ = std::make_unique<ZstdDecoder>();
    return {};
  }

  Result<std::size_t> copy(std::span<char> out) {
    const auto in = feed_.more();
    if (!in) return ended(in.error());
    const std::size_t n = std::min(out.size(), in->size());
    std::memcpy(out.data(), in->data(), n);
    feed_.consume(n);
    return n;
  }

  Result<std::size_t> decode(std::span<char> out) {
    for (;;) {
      const auto in = feed_.more();
      if (!in) return ended(in.error());
      // At the end of the input a decoder may still hold decoded bytes back, so it is asked first.
      const Decoder::Step step =
          in->empty() && decoder_->complete() ? Decoder::Step{} : decoder_->decode(*in, out);
      feed_.consume(step.used);
      made_ += step.made;
      if (step.made > 0 && step.damage == nullptr) return step.made;
      if (step.damage != nullptr) return damaged(step);
      if (in->empty()) return at_end();
    }
  }

  Result<std::size_t> damaged(const Decoder::Step& step) {
    Error error{Code::data_loss, place() + " " + step.damage};
    if (step.made == 0) return ended(std::move(error));
    pending_ = std::move(error);
    return step.made;
  }

  Result<std::size_t> at_end() {
    if (decoder_->complete()) {
      finished_ = true;
      return 0;
    }
    return ended({Code::data_loss, place() + " is cut short"});
  }

  [[nodiscard]] std::string place() const {
    return std::string("the ") + decoder_->format() + " stream, after " + std::to_string(made_) +
           " decoded bytes,";
  }

  tl::unexpected<Error> ended(Error error) {
    finished_ = true;
    return tl::unexpected(std::move(error));
  }

  Feed feed_;
  std::unique_ptr<Decoder> decoder_;
  bool recognised_ = false;
  bool finished_ = false;
  std::uint64_t made_ = 0;
  std::optional<Error> pending_;  ///< damage found behind bytes that were delivered first
};

}  // namespace

std::unique_ptr<ByteStream> decompressed(std::unique_ptr<ByteStream> stream) {
  return std::make_unique<Decompressed>(std::move(stream));
}

}  // namespace tidelimit::ingest
