#include "serve/bucket_keeper.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "base/hash.hpp"
#include "serve/net/join_within.hpp"
#include "serve/safely.hpp"

namespace tidelimit::serve {
namespace {

constexpr const char* kNote = "limits";
constexpr int kKeeperNice = 10;  // a tenth of a loop's weight (sched(7))

// Few buckets in a small table are saved often; a full one of 64 MiB is 2 MB a second, which disks
// bear for years. To look through a table takes a third of a second a GiB, and memory's time.
constexpr Nanos kOften = std::chrono::seconds{5};
constexpr Nanos kSeldom = std::chrono::seconds{30};
constexpr std::size_t kWrittenPerSecond = 200'000;
constexpr std::size_t kReadPerSecond = 13'000'000;

}  // namespace

BucketKeeper::~BucketKeeper() {
  if (thread_.joinable()) (void)stop(std::chrono::hours{1});
}

void BucketKeeper::restore() {
  if (const auto& refused = file_.refused())
    spdlog::error("limits begin anew, with the whole burst: {}", refused->message);
  const auto done = file_.restore(region_, limits(), zero_, clock_.mono());
  restored_ = done.buckets;
  if (done.buckets > 0)
    spdlog::info("limits go on where they were: {} buckets of {}", done.buckets,
                 file_.path().string());
  if (done.no_place > 0)
    spdlog::warn("{} buckets found no place in `memory.buckets`: these limits begin anew",
                 done.no_place);
}

void BucketKeeper::start() {
  thread_ = std::thread([this] { run(); });
  (void)pthread_setname_np(thread_.native_handle(), "buckets");
}

bool BucketKeeper::stop(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  return join_within(patience, thread_, lock, changed_, done_);
}

KeptBuckets BucketKeeper::figures() const {
  return {.restored_well = !file_.refused(),
          .restored = restored_,
          .saved = saved_,
          .saved_at = saved_at_};
}

void BucketKeeper::run() {
  (void)setpriority(PRIO_PROCESS, 0, kKeeperNice);
  bool last = false;
  while (!last) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, until_next_save(), [this] { return stopping_; });
      last = stopping_;
    }
    save();
  }
  std::lock_guard lock(mutex_);
  done_ = true;
  changed_.notify_all();
}

void BucketKeeper::save() {
  const Now now = clock_.now();
  const auto saved = safely([&] { return file_.save(region_, limits(), zero_, now.mono); });
  if (!saved) {
    notes_.set(kNote, fmt::format("what is used of them would be lost with a restart: {}",
                                  saved.error().message));
    return;
  }
  notes_.clear(kNote);
  saved_ = file_.saved();
  saved_at_ = std::chrono::floor<std::chrono::seconds>(now.wall).time_since_epoch().count();
}

/// By the text that configures them: one that says the same in other words counts as another.
store::BucketFile::Limits BucketKeeper::limits() const {
  return hash_bytes(settings_.current()->config.text, 0);
}

Nanos BucketKeeper::until_next_save() const {
  const std::size_t table = region_.capacity() * sizeof(limiter::BucketEntry);
  const Nanos paced = std::chrono::seconds{
      std::max(file_.saved_bytes() / kWrittenPerSecond, table / kReadPerSecond)};
  return std::clamp(paced, kOften, kSeldom);
}

}  // namespace tidelimit::serve
