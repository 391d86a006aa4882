#include "store/buckets/bucket_file.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "limiter/bucket_calls.hpp"
#include "limiter/loose_limits.hpp"
#include "limiter/plan.hpp"
#include "store/temporary_folder.hpp"

namespace tidelimit::store {
namespace {

namespace fs = std::filesystem;
using limiter::BucketRegion;
using limiter::call_on;
using limiter::key_number;
using limiter::Limit;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr WallTime kBorn{hours{24 * 365 * 50}};  // of the first gate
constexpr std::size_t kBytes = 64 * 1024;
constexpr std::uint64_t kSeed = 77;
const Limit kDaily = limiter::every(minutes{72}, 20);  // 20/d

constexpr Instant at(Nanos time) {
  return Instant{time};
}

/// A gate's buckets and its file, from one start to its end.
struct Gate {
  Gate(const fs::path& state, WallTime zero, std::uint64_t fresh_seed = 1,
       std::size_t bytes = kBytes, BucketFile::Limits limits = 4711)
      : file(state, fresh_seed), limits(limits), zero(zero), region(bytes) {
    restored = file.restore(region, limits, zero, at(seconds{1}));
  }
  int passes(std::uint64_t key, int tries, Nanos now, const Limit& limit = kDaily) {
    int passed = 0;
    for (int i = 0; i < tries; ++i) passed += charge(key, now, limit).conforms;
    return passed;
  }
  limiter::Conformance charge(std::uint64_t key, Nanos now, const Limit& limit = kDaily,
                              Nanos ahead = Nanos{0}) {
    auto call = call_on(key_number(key), limit, at(now));
    call.epoch = limiter::kFirstEpoch;
    call.ahead = ahead;
    limiter::Charge charge;
    EXPECT_TRUE(region.charge(call, charge));
    return charge.conformance;
  }
  Result<void> save(Nanos now) { return file.save(region, limits, zero, at(now)); }

  BucketFile file;
  BucketFile::Limits limits;
  WallTime zero;
  BucketRegion region;
  BucketFile::Restored restored;
};

class BucketFileTest : public ::testing::Test {
 protected:
  /// A gate that leaves one bucket, of which 15 of 20 a day are used, at its second hour.
  void leave_one() {
    Gate gate(state, kBorn, kSeed);
    ASSERT_EQ(gate.passes(7, 15, hours{2}), 15);
    ASSERT_TRUE(gate.save(hours{2}));
  }
  std::string content() {
    std::ifstream in(kept, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& bytes) { std::ofstream(kept, std::ios::binary) << bytes; }
  void set_mode(mode_t mode) { ASSERT_EQ(::chmod(kept.c_str(), mode), 0); }

  /// All there is begins anew, with a seed of its own, and is kept in the file's place.
  void expect_refused(const std::string& words) {
    Gate next(state, kBorn + hours{3}, 5);
    ASSERT_TRUE(next.file.refused()) << words;
    EXPECT_THAT(next.file.refused()->message, HasSubstr(words));
    EXPECT_THAT(next.file.refused()->message, HasSubstr(kept.string()));
    EXPECT_EQ(next.file.seed(), 5U);
    EXPECT_EQ(next.restored.buckets, 0U);
    EXPECT_EQ(next.passes(7, 30, hours{1}), 20);
    ASSERT_TRUE(next.save(hours{1}));
    Gate third(state, kBorn + hours{4});
    EXPECT_FALSE(third.file.refused());
    EXPECT_EQ(third.file.seed(), 5U);
    EXPECT_EQ(third.restored.buckets, 1U);
  }

  test::TemporaryFolder folder;
  fs::path state = folder / "gate.db";
  fs::path kept = folder / "gate.db.buckets";
};

TEST_F(BucketFileTest, ANewGateGoesOnWhereTheOneBeforeStood) {
  leave_one();
  Gate next(state, kBorn + hours{3});  // its first second is an hour and a second after the saving
  EXPECT_FALSE(next.file.refused());
  EXPECT_EQ(next.file.seed(), kSeed);
  EXPECT_EQ(next.restored.buckets, 1U);
  const auto sixteenth = next.charge(7, seconds{1});
  EXPECT_TRUE(sixteenth.conforms);
  EXPECT_EQ(sixteenth.reset_after, minutes{72} * 16 - hours{1} - seconds{1});
  EXPECT_EQ(next.passes(7, 10, seconds{1}), 4);
  EXPECT_EQ(next.charge(7, seconds{1}).retry_after, minutes{72} - hours{1} - seconds{1});
}

TEST_F(BucketFileTest, OnlyTheOwnerReadsIt) {
  ::umask(0);
  leave_one();
  struct stat about {};
  ASSERT_EQ(::stat(kept.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777U, 0600U);
}

TEST_F(BucketFileTest, TablesOfOtherSizesTakeWhatFits) {
  std::uint64_t keys = 0;
  {
    Gate gate(state, kBorn);
    keys = gate.region.capacity() / 4;
    for (std::uint64_t key = 0; key < keys; ++key) ASSERT_EQ(gate.passes(key, 20, hours{1}), 20);
    ASSERT_TRUE(gate.save(hours{1}));
    EXPECT_EQ(gate.file.saved(), keys);
  }
  for (const std::size_t bytes : {kBytes, 4 * kBytes, 16 * kBytes}) {
    Gate next(state, kBorn + hours{1}, 1, bytes);
    ASSERT_EQ(next.restored.buckets, keys);
    for (std::uint64_t key = 0; key < keys; ++key) ASSERT_EQ(next.passes(key, 1, seconds{1}), 0);
  }
  Gate small(state, kBorn + hours{1}, 1, kBytes / 16);
  EXPECT_EQ(small.restored.buckets + small.restored.no_place, keys);
  EXPECT_GT(small.restored.buckets, small.region.capacity() * 9 / 10);
}

TEST_F(BucketFileTest, WhatIsFullAgainInAMomentIsNotKept) {
  Gate gate(state, kBorn);
  const Limit quick = limiter::every(seconds{1}, 10);
  EXPECT_EQ(gate.passes(1, 10, hours{1}, quick), 10);
  ASSERT_TRUE(gate.save(hours{1}));
  EXPECT_FALSE(fs::exists(kept));
  EXPECT_EQ(gate.passes(2, 1, hours{1}), 1);
  ASSERT_TRUE(gate.save(hours{1}));
  EXPECT_EQ(gate.file.saved(), 1U);
}

TEST_F(BucketFileTest, WithoutAChangeTheFileStays) {
  Gate gate(state, kBorn);
  EXPECT_EQ(gate.passes(7, 1, hours{1}), 1);
  ASSERT_TRUE(gate.save(hours{1}));
  fs::remove(kept);
  ASSERT_TRUE(gate.save(hours{1} + seconds{5}));
  EXPECT_FALSE(fs::exists(kept));
  EXPECT_EQ(gate.passes(7, 1, hours{1} + seconds{6}), 1);
  ASSERT_TRUE(gate.save(hours{1} + seconds{6}));
  EXPECT_TRUE(fs::exists(kept));
}

TEST_F(BucketFileTest, OneOfLongAgoHoldsNobodyBack) {
  leave_one();
  Gate next(state, kBorn + hours{24 * 300});
  EXPECT_EQ(next.restored.buckets, 0U);
  EXPECT_EQ(next.restored.no_place, 0U);
  EXPECT_EQ(next.passes(7, 30, seconds{1}), 20);
}

TEST_F(BucketFileTest, AClockThatIsBehindMakesNobodyWaitLongerThanAtTheSaving) {
  leave_one();
  Gate next(state, kBorn - hours{24 * 365 * 20});
  EXPECT_EQ(next.restored.buckets, 1U);
  EXPECT_EQ(next.passes(7, 30, seconds{1}), 5);
  EXPECT_EQ(next.charge(7, seconds{1}).retry_after, minutes{72});
}

TEST_F(BucketFileTest, ALimitThatChangedMeanwhileIsMetAsByAReload) {
  leave_one();
  Gate next(state, kBorn + hours{3}, 1, kBytes, 4712);
  const Limit raised = limiter::every(milliseconds{600}, 100);  // 100/min
  const auto denied = next.charge(7, seconds{1}, raised);
  EXPECT_FALSE(denied.conforms);
  EXPECT_LE(denied.retry_after, milliseconds{600});
}

TEST_F(BucketFileTest, WithTheSameLimitsADebtIsOwedStill) {
  const auto owing = [&](Gate& gate, Nanos now) {
    auto call = call_on(key_number(7), kDaily, at(now), 30);
    call.epoch = limiter::kFirstEpoch;
    call.excess_to = 2 * kDaily.tolerance();
    limiter::Charge charge;
    EXPECT_TRUE(gate.region.charge(call, charge));
    return charge.conformance.reset_after;
  };
  Gate gate(state, kBorn);
  EXPECT_EQ(owing(gate, hours{2}), 30 * minutes{72});
  ASSERT_TRUE(gate.save(hours{2}));
  Gate next(state, kBorn + hours{3});
  EXPECT_EQ(owing(next, seconds{1}), 30 * minutes{72} - hours{1} - seconds{1});
}

TEST_F(BucketFileTest, FixedWindowsGoOnToTheLastRequest) {
  const Limit limit = limiter::window_limit(1000, hours{24});
  const auto left = [](WallTime zero, Nanos now) {
    return limiter::window_left(at(now), zero.time_since_epoch(), hours{24});
  };
  {
    Gate gate(state, kBorn + Nanos{123'456'789});
    for (int i = 0; i < 900; ++i)
      ASSERT_TRUE(gate.charge(7, hours{2}, limit, left(gate.zero, hours{2})).conforms);
    ASSERT_TRUE(gate.save(hours{2}));
  }
  Gate next(state, kBorn + hours{3} + Nanos{987'654'321});
  const auto said = next.charge(7, hours{1}, limit, left(next.zero, hours{1}));
  EXPECT_TRUE(said.conforms);
  EXPECT_EQ(said.remaining, 99U);
}

TEST_F(BucketFileTest, DamageIsRefusedWhereverItIs) {
  leave_one();
  const std::string whole = content();
  ASSERT_EQ(whole.size(), 56U + 16 + 16);
  for (std::size_t i = 16; i < whole.size(); ++i) {
    std::string broken = whole;
    broken[i] = static_cast<char>(broken[i] ^ 0x10);
    put(broken);
    const BucketFile file(state, 5);
    EXPECT_TRUE(file.refused()) << i;
    EXPECT_EQ(file.seed(), 5U) << i;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(whole.substr(0, size));
    EXPECT_TRUE(BucketFile(state, 5).refused()) << size;
  }
  put(whole + std::string(16, '\0'));
  expect_refused("is damaged");
  put(std::string(whole.size(), '\0'));
  expect_refused("is damaged");
  put("");
  expect_refused("is cut off");
}

TEST_F(BucketFileTest, OneThatAllMayReadIsRefused) {
  leave_one();
  set_mode(0644);
  expect_refused("0600");
  set_mode(0602);
  expect_refused("0600");
  set_mode(0660);  // a volume's own group, as container platforms set it
  EXPECT_FALSE(BucketFile(state, 5).refused());
}

TEST_F(BucketFileTest, WhatIsNotOursIsLeftAlone) {
  put("a letter that somebody wrote and would miss, long enough for a header");
  Gate gate(state, kBorn, 5);
  ASSERT_TRUE(gate.file.refused());
  EXPECT_EQ(gate.passes(7, 1, hours{1}), 1);
  const auto saved = gate.save(hours{1});
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message, HasSubstr("left alone"));
  EXPECT_THAT(content(), HasSubstr("a letter"));
  fs::rename(kept, folder / "moved away");
  EXPECT_TRUE(gate.save(hours{1}));
  fs::remove(kept);
  fs::create_directory(kept);
  EXPECT_TRUE(BucketFile(state, 5).refused());
}

TEST_F(BucketFileTest, ADiskThatFailsIsToldAndLeavesTheFileBefore) {
  leave_one();
  Gate next(state, kBorn + hours{3});
  fs::rename(folder / "gate.db.buckets", folder / "elsewhere");
  fs::create_directory(kept);
  std::ofstream(kept / "full") << "so that no file takes its place";
  EXPECT_EQ(next.passes(7, 1, hours{1}), 1);
  EXPECT_FALSE(next.save(hours{1}));
  fs::remove_all(kept);
  EXPECT_TRUE(next.save(hours{1}));
  EXPECT_EQ(next.file.saved(), 1U);
}

TEST_F(BucketFileTest, WhatAKilledGateLeftHalfWrittenGoes) {
  std::ofstream(folder / "gate.db.buckets.tmp-99999999-1") << "half";
  std::ofstream(folder / "gate.db.other.tmp-99999999-1") << "of another file";
  leave_one();
  EXPECT_FALSE(fs::exists(folder / "gate.db.buckets.tmp-99999999-1"));
  EXPECT_TRUE(fs::exists(folder / "gate.db.other.tmp-99999999-1"));
}

TEST_F(BucketFileTest, ALinkedStateHasThemBesideWhatItLeadsTo) {
  fs::create_directory(folder / "disk");
  std::ofstream(folder / "disk/real.db").put('x');
  fs::create_symlink(folder / "disk/real.db", state);
  leave_one();
  EXPECT_TRUE(fs::exists(folder / "disk/real.db.buckets"));
}

}  // namespace
}  // namespace tidelimit::store
