// The file: a Header, the buckets, a Trailer. Numbers are as the machine has them: where that
// differs, so does `format`.
#include "store/buckets/bucket_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "base/hash.hpp"
#include "limiter/plan.hpp"
#include "store/files/file.hpp"
#include "store/files/output_file.hpp"

namespace tidelimit::store {
namespace fs = std::filesystem;
namespace {

using limiter::KeptBucket;
using limiter::Tat;

constexpr std::string_view kName = "tidelimit limits";
constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kPiece = 8192;  // buckets at once: 128 KiB

struct Header {
  std::array<char, 16> name{};
  std::uint64_t format = kFormat;
  std::uint64_t seed = 0;
  std::uint64_t limits = 0;  ///< BucketFile::Limits
  std::int64_t zero = 0;     ///< BucketFile::Zero, in ns; a TAT counts from there
  std::int64_t saved = 0;    ///< the Instant of the saving
};
struct Trailer {
  std::uint64_t count = 0;
  std::uint64_t hash = 0;
};
static_assert(sizeof(Header) == 56 && sizeof(KeptBucket) == 16 && kName.size() == 16);

template <class T>
[[nodiscard]] std::string_view bytes_of(const T* first, std::size_t count = 1) {
  return {reinterpret_cast<const char*>(first), count * sizeof(T)};
}

[[nodiscard]] std::uint64_t add(std::uint64_t hash, std::span<const KeptBucket> buckets) {
  for (const KeptBucket& one : buckets)
    hash = mix(hash ^ one.key, static_cast<std::uint64_t>(one.tat.count()));
  return hash;
}
/// Of the whole file, from that of its buckets.
[[nodiscard]] std::uint64_t sealed(std::uint64_t hash, const Header& header) {
  return hash_bytes(bytes_of(&header), hash);
}

/// A file that is open to be read.
class Source {
 public:
  explicit Source(const fs::path& path)
      : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Source() {
    if (fd_ >= 0) ::close(fd_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  [[nodiscard]] Result<struct stat> about() const {
    struct stat about {};
    if (fd_ < 0 || ::fstat(fd_, &about) != 0) return fail_errno(path_, "read", errno);
    return about;
  }
  /// All of the bytes, or an error.
  [[nodiscard]] Result<void> read(void* to, std::size_t bytes) const {
    auto* next = static_cast<char*>(to);
    while (bytes > 0) {
      const auto got = ::read(fd_, next, bytes);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(path_, "read", errno);
      if (got == 0) return damaged("is cut off");
      next += got;
      bytes -= static_cast<std::size_t>(got);
    }
    return {};
  }
  [[nodiscard]] tl::unexpected<Error> damaged(std::string_view how) const {
    return fail(Code::data_loss, fmt::format("{}: {}", path_.string(), how));
  }

 private:
  const fs::path& path_;
  int fd_;
};

/// What stands there is not ours, and is left alone.
[[nodiscard]] bool is_foreign(const Error& error) {
  return error.code == Code::failed_precondition;
}

Result<Header> read_header(const Source& source, const fs::path& path) {
  const auto about = source.about();
  if (!about) return tl::unexpected(about.error());
  if (!S_ISREG(about->st_mode))
    return fail(Code::failed_precondition,
                path.string() + ": not a regular file, and left alone; move it away");
  Header header;
  if (auto read = source.read(&header, sizeof header); !read) return tl::unexpected(read.error());
  if (header.name == std::array<char, 16>{}) return source.damaged("is damaged");
  if (std::string_view(header.name.data(), header.name.size()) != kName)
    return fail(Code::failed_precondition,
                path.string() + ": not a file of tidelimit's, and left alone; move it away");
  // Who writes it decides whom limits deny, and who reads it may aim at buckets of others.
  if ((about->st_mode & (S_IROTH | S_IWOTH)) != 0)
    return fail(Code::permission_denied,
                path.string() + ": all may read or write it; its mode is to be 0600");
  if (header.format != kFormat) return source.damaged("is of another version of tidelimit");
  const Instant saved{Nanos{header.saved}};
  if (header.zero < 0 || header.saved < 0 || saved > limiter::kNowEnd)
    return source.damaged("is damaged");
  return header;
}

struct Content {
  Header header;
  std::uint64_t count = 0;
};

/// Reads the whole file, and hands its buckets to `take`, some at a time: of a damaged one, too.
template <class Take>
Result<Content> read_all(const fs::path& path, Take&& take) {
  const Source source(path);
  const auto header = read_header(source, path);
  if (!header) return tl::unexpected(header.error());
  const auto about = source.about();
  if (!about) return tl::unexpected(about.error());
  const auto size = static_cast<std::size_t>(about->st_size);
  constexpr std::size_t kFrame = sizeof(Header) + sizeof(Trailer);
  if (size < kFrame || (size - kFrame) % sizeof(KeptBucket) != 0)
    return source.damaged("is cut off");
  const std::uint64_t count = (size - kFrame) / sizeof(KeptBucket);
  std::vector<KeptBucket> piece(kPiece);
  std::uint64_t hash = 0;
  for (std::uint64_t left = count; left > 0;) {
    const std::span some(piece.data(), std::min<std::uint64_t>(left, kPiece));
    if (auto read = source.read(some.data(), some.size_bytes()); !read)
      return tl::unexpected(read.error());
    hash = add(hash, some);
    take(std::span<const KeptBucket>(some));
    left -= some.size();
  }
  Trailer trailer;
  if (auto read = source.read(&trailer, sizeof trailer); !read) return tl::unexpected(read.error());
  if (trailer.count != count || trailer.hash != sealed(hash, *header))
    return source.damaged("is damaged");
  return Content{*header, count};
}

/// Hands out the region's buckets later than `than`, some at a time, until `take` is false.
template <class Take>
void each_later(const limiter::BucketRegion& region, Tat than, Take&& take) {
  std::vector<KeptBucket> piece(kPiece);
  std::size_t cursor = 0;
  while (const std::size_t count = region.copy_later(than, cursor, piece))
    if (!take(std::span<const KeptBucket>(piece.data(), count))) return;
}

fs::path beside(const fs::path& state) {
  std::error_code why;
  fs::path path = fs::weakly_canonical(state, why);
  return (why ? state : path).string() + ".buckets";
}

}  // namespace

BucketFile::BucketFile(const fs::path& state, std::uint64_t fresh_seed)
    : path_(beside(state)), seed_(fresh_seed) {
  remove_asides_of(path_, true);  // of a gate that was killed while it wrote
  const auto content = read_all(path_, [](std::span<const KeptBucket>) {});
  if (content) {
    if (content->count > 0) {
      const Header& header = content->header;
      kept_ = {header.limits, Zero{Nanos{header.zero}}, {Nanos{header.saved}}};
      seed_ = header.seed;
    }
  } else if (content.error().code == Code::not_found) {
    saved_ = Sum{};
  } else {
    refused_ = content.error();
    foreign_ = is_foreign(*refused_);
  }
}

BucketFile::Restored BucketFile::restore(limiter::BucketRegion& region, Limits limits, Zero zero,
                                         Instant now) {
  Restored done;
  if (!kept_) return done;
  const Nanos by_the_clock = kept_->zero - zero;
  const Nanos as_it_was = now - kept_->saved;
  const Nanos shift = std::min(by_the_clock, as_it_was);
  const std::uint64_t epoch = limiter::kFirstEpoch - (kept_->limits == limits ? 0 : 1);
  (void)read_all(path_, [&](std::span<const KeptBucket> some) {
    for (const KeptBucket& one : some) {
      const Tat tat = one.tat + shift;
      if (tat <= now.since_start) continue;
      ++(region.restore({one.key, tat}, epoch, now) ? done.buckets : done.no_place);
    }
  });
  return done;
}

Result<void> BucketFile::save(const limiter::BucketRegion& region, Limits limits, Zero zero,
                              Instant now) {
  if (foreign_) {
    const auto header = read_header(Source(path_), path_);
    foreign_ = !header && is_foreign(header.error());
    if (foreign_) return tl::unexpected(header.error());
  }
  Sum there{.limits = limits};
  each_later(region, now.since_start + kWorthKeeping, [&](std::span<const KeptBucket> some) {
    there = {limits, there.count + some.size(), add(there.hash, some)};
    return true;
  });
  const bool nothing_yet = saved_ && saved_->count == 0 && there.count == 0;
  if (nothing_yet || saved_ == there) return {};
  return write(region, limits, zero, now);
}

Result<void> BucketFile::write(const limiter::BucketRegion& region, Limits limits, Zero zero,
                               Instant now) {
  auto file = OutputFile::create(path_, 0600);
  if (!file) return tl::unexpected(file.error());
  Header header{.seed = seed_,
                .limits = limits,
                .zero = zero.time_since_epoch().count(),
                .saved = now.since_start.count()};
  std::copy(kName.begin(), kName.end(), header.name.begin());
  Sum sum{.limits = limits};
  Result<void> written = file->write(bytes_of(&header));
  each_later(region, now.since_start + kWorthKeeping, [&](std::span<const KeptBucket> some) {
    sum = {limits, sum.count + some.size(), add(sum.hash, some)};
    if (written) written = file->write(bytes_of(some.data(), some.size()));
    return written.has_value();
  });
  const Trailer trailer{sum.count, sealed(sum.hash, header)};
  if (written) written = file->write(bytes_of(&trailer));
  if (written) written = file->commit();
  if (written) saved_ = sum;
  return written;
}

std::size_t BucketFile::saved_bytes() const {
  return sizeof(Header) + saved() * sizeof(KeptBucket) + sizeof(Trailer);
}

}  // namespace tidelimit::store
