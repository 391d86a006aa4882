#include "ingest/byte_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tidelimit::ingest {
namespace {

tl::unexpected<Error> reading_failed() {
  return fail(Code::unavailable, std::string("reading failed: ") + std::strerror(errno));
}

class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::string bytes) : bytes_(std::move(bytes)) {}

  Result<std::size_t> read(std::span<char> out) override {
    const std::size_t n = std::min(out.size(), bytes_.size() - position_);
    std::memcpy(out.data(), bytes_.data() + position_, n);
    position_ += n;
    return n;
  }

 private:
  std::string bytes_;
  std::size_t position_ = 0;
};

class DescriptorStream final : public ByteStream {
 public:
  DescriptorStream(int descriptor, bool owned) : descriptor_(descriptor), owned_(owned) {}
  ~DescriptorStream() override {
    if (owned_) ::close(descriptor_);
  }

  Result<std::size_t> read(std::span<char> out) override {
    for (;;) {
      const ssize_t n = ::read(descriptor_, out.data(), out.size());
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno == EAGAIN || errno == EWOULDBLOCK) {  // a pipe that its other end made so
        pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
        ::poll(&ready, 1, -1);
      } else if (errno != EINTR) {
        return reading_failed();
      }
    }
  }

 private:
  int descriptor_;
  bool owned_;
};

class StoredFile final : public StoredBytes {
 public:
  StoredFile(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  ~StoredFile() override { ::close(descriptor_); }

  std::uint64_t size() const override { return size_; }
  Result<std::size_t> read_at(std::uint64_t from, std::span<char> out) const override {
    for (;;) {
      const ssize_t n = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(from));
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) return reading_failed();
    }
  }

 private:
  int descriptor_;
  std::uint64_t size_;
};

}  // namespace

Result<std::shared_ptr<const StoredBytes>> stored_file(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) == 0) {
    return std::make_shared<StoredFile>(descriptor, static_cast<std::uint64_t>(status.st_size));
  }
  const auto failed = reading_failed();
  ::close(descriptor);
  return failed;
}

std::unique_ptr<ByteStream> memory_stream(std::string bytes) {
  return std::make_unique<MemoryStream>(std::move(bytes));
}

std::unique_ptr<ByteStream> descriptor_stream(int descriptor, bool owned) {
  return std::make_unique<DescriptorStream>(descriptor, owned);
}

}  // namespace tidelimit::ingest
