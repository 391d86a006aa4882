#include "store/files/output_file.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "store/files/file.hpp"

namespace tidelimit::store {
namespace {

constexpr std::size_t kPiece = 256 * 1024;  // bytes handed to the compressor or the disk at once
constexpr int kGzipWindow = 15 + 16;        // the largest window, with a gzip frame
constexpr int kGzipLevel = 4;
constexpr int kZstdLevel = 3;

/// Bytes in, compressed bytes out. The last call has `end` set.
class Compressor {
 public:
  virtual ~Compressor() = default;
  virtual bool run(std::string_view bytes, bool end, std::string& out) = 0;
};

class Gzip final : public Compressor {
 public:
  Gzip() {
    good_ =
        deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Gzip() override { deflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  bool run(std::string_view bytes, bool end, std::string& out) override {
    if (!good_) return false;
    // zlib takes what it reads as mutable, and does not change it.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      if (deflate(&stream_, end ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) return false;
      out.append(buffer_.data(), buffer_.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return true;
  }

 private:
  z_stream stream_{};
  bool good_ = false;
  std::array<char, 64 * 1024> buffer_{};
};

class Zstd final : public Compressor {
 public:
  Zstd() : context_(ZSTD_createCCtx()) {
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
  }
  ~Zstd() override { ZSTD_freeCCtx(context_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  bool run(std::string_view bytes, bool end, std::string& out) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer piece{buffer_.data(), buffer_.size(), 0};
      const std::size_t left =
          ZSTD_compressStream2(context_, &piece, &in, end ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0) return false;
      out.append(buffer_.data(), piece.pos);
      if (end ? left == 0 : in.pos == in.size) return true;
    }
  }

 private:
  ZSTD_CCtx* context_;
  std::array<char, 64 * 1024> buffer_{};
};

std::unique_ptr<Compressor> compressor_for(const std::filesystem::path& path) {
  if (path.extension() == ".gz") return std::make_unique<Gzip>();
  if (path.extension() == ".zst") return std::make_unique<Zstd>();
  return nullptr;
}

}  // namespace

struct OutputFile::State {
  std::filesystem::path path;
  std::filesystem::path aside;  ///< empty: standard output, or committed
  int descriptor = -1;
  std::unique_ptr<Compressor> compressor;
  std::string pending;
  std::string compressed;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (descriptor >= 0 && descriptor != STDOUT_FILENO) ::close(descriptor);
    if (!aside.empty()) ::unlink(aside.c_str());
  }

  Result<void> put(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto written = ::write(descriptor, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail_errno(path, "write", errno);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<void> flush(bool end) {
    if (!compressor) {
      auto done = put(pending);
      pending.clear();
      return done;
    }
    compressed.clear();
    if (!compressor->run(pending, end, compressed)) {
      return fail(Code::internal, path.string() + ": the compressor failed");
    }
    pending.clear();
    return put(compressed);
  }
};

OutputFile::OutputFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
OutputFile::~OutputFile() = default;
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;

Result<OutputFile> OutputFile::create(const std::filesystem::path& path, unsigned mode) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->pending.reserve(kPiece);
  if (path == "-") {
    state->path = "standard output";
    state->descriptor = STDOUT_FILENO;
    return OutputFile(std::move(state));
  }
  if (std::error_code ignored; std::filesystem::is_directory(path, ignored)) {
    return fail(Code::invalid_argument, path.string() + ": is a folder; name a file in it");
  }
  if (std::error_code ignored; std::filesystem::is_other(path, ignored)) {
    // A device or a pipe takes what comes; there is nothing to replace.
    state->descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (state->descriptor < 0) return fail_errno(path, "open", errno);
    return OutputFile(std::move(state));
  }
  auto aside = name_aside(path);
  state->descriptor = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (state->descriptor < 0) return fail_errno(path, "create", errno);
  state->aside = std::move(aside);
  state->compressor = compressor_for(path);
  return OutputFile(std::move(state));
}

Result<void> OutputFile::write(std::string_view bytes) {
  state_->pending += bytes;
  if (state_->pending.size() < kPiece) return {};
  return state_->flush(false);
}

Result<void> OutputFile::commit() {
  State& state = *state_;
  if (auto flushed = state.flush(true); !flushed) return flushed;
  if (state.aside.empty()) return {};
  if (::fsync(state.descriptor) != 0) return fail_errno(state.path, "sync", errno);
  if (::rename(state.aside.c_str(), state.path.c_str()) != 0) {
    return fail_errno(state.path, "replace", errno);
  }
  state.aside.clear();
  return sync_folder(state.path.parent_path());
}

}  // namespace tidelimit::store
