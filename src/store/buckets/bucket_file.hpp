#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/error.hpp"
#include "limiter/bucket_region.hpp"

namespace tidelimit::store {

/// The buckets that a gate had, in a file beside its `state`, so that the next one goes on with
/// them. The seed of their keys is kept with them: only the owner reads the file (mode 0600). The
/// lock on the state is the lock on this, too. One thread at a time.
class BucketFile {
 public:
  /// Reads what is kept beside the state, whole, to see whether it can be used. What can't be is
  /// named by refused(), and nothing is taken of it. `fresh_seed`: where there is nothing to use.
  BucketFile(const std::filesystem::path& state, std::uint64_t fresh_seed);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Keys are hashed by it.
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] const std::optional<Error>& refused() const { return refused_; }

  /// The wall time of the Instant's zero, measured once by each process. All that speak of wall
  /// time in buckets go by that one, so that fixed windows are the same ones again, to the
  /// nanosecond.
  using Zero = WallTime;

  /// Tells whether the limits are still the same. Where they are not, the first call on a bucket
  /// clamps it, as after a reload.
  using Limits = std::uint64_t;

  struct Restored {
    std::size_t buckets = 0;
    std::size_t no_place = 0;  ///< in a table that is smaller
  };
  /// Puts what is kept into the region, before anyone uses it: as it was, less the time since by
  /// the wall clock. A clock that is behind makes nobody wait longer than at the saving.
  Restored restore(limiter::BucketRegion& region, Limits limits, Zero zero, Instant now);

  /// Writes those that are not full again within kWorthKeeping, unless all is the same as at the
  /// last time. The file is replaced whole, and on the disk when this returns.
  [[nodiscard]] Result<void> save(const limiter::BucketRegion& region, Limits limits, Zero zero,
                                  Instant now);
  static constexpr Nanos kWorthKeeping = std::chrono::seconds{10};
  /// Of the last save.
  [[nodiscard]] std::size_t saved() const { return saved_ ? saved_->count : 0; }
  [[nodiscard]] std::size_t saved_bytes() const;

 private:
  struct Sum {
    Limits limits = 0;
    std::uint64_t count = 0;
    std::uint64_t hash = 0;
    bool operator==(const Sum&) const = default;
  };
  [[nodiscard]] Result<void> write(const limiter::BucketRegion& region, Limits limits, Zero zero,
                                   Instant now);

  std::filesystem::path path_;
  std::uint64_t seed_;
  struct Kept {
    Limits limits;
    Zero zero;
    Instant saved;
  };
  std::optional<Kept> kept_;  ///< there is something to restore
  bool foreign_ = false;
  std::optional<Error> refused_;
  std::optional<Sum> saved_;  ///< empty: what stands there is of another process
};

}  // namespace tidelimit::store
