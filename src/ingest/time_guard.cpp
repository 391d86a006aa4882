#include "ingest/time_guard.hpp"

#include <algorithm>
#include <utility>

namespace tidelimit::ingest {
namespace {

/// The distance of two times, at most the longest that can be said.
Nanos apart(WallTime a, WallTime b) {
  const auto low = std::min(a, b).time_since_epoch();
  const auto high = std::max(a, b).time_since_epoch();
  if (low < Nanos{} && high > Nanos::max() + low) return Nanos::max();
  return high - low;
}

bool near(WallTime a, WallTime b) {
  return apart(a, b) <= TimeGuard::kReach;
}

}  // namespace

bool TimeGuard::in_reach(WallTime time) const {
  if (!known_) return false;
  const Nanos reach = std::max(kReach, apart(first_, last_));
  if (time > last_) return apart(time, last_) <= reach;
  return time >= first_ || apart(time, first_) <= reach;
}

void TimeGuard::widen(WallTime time) {
  known_ = true;
  first_ = std::min(first_, time);
  last_ = std::max(last_, time);
}

bool TimeGuard::passes_outside(WallTime time) {
  if (!in_reach(time)) return false;
  widen(time);
  ++passed_;
  free_near();
  look();
  return true;
}

void TimeGuard::hold(const traffic::Request& request, UnreadableLine line) {
  held_.push_back({traffic::KeptRequest(request), std::move(line), held_ever_++, passed_});
  held_bytes_ += held_.back().request.text_bytes();
  if (believed(request.time)) {
    widen(request.time);
    free_near();
  } else if (held_.size() >= kHeldMost || held_bytes_ >= kHeldBytesMost) {
    make_room();
  }
  look();
}

/// Whether enough of the held requests agree with this time, and more than passed since the first.
bool TimeGuard::believed(WallTime time) const {
  std::size_t agree = 0;
  std::uint64_t since = passed_;
  for (const Held& held : held_) {
    if (!near(held.time(), time)) continue;
    if (agree++ == 0) since = held.passed_before;
  }
  return agree >= kBelieved && agree > passed_ - since;
}

/// Where nothing passed since, times are that sparse: all are let go. Else the oldest had its time.
void TimeGuard::make_room() {
  if (held_.front().passed_before != passed_) {
    refuse(0);
    return;
  }
  while (!held_.empty()) {
    widen(held_.front().time());
    free(0);
  }
}

/// Lets go what the span has come near to, which may bring it near to others.
void TimeGuard::free_near() {
  for (std::size_t i = 0; i < held_.size();) {
    if (!in_reach(held_[i].time())) {
      ++i;
      continue;
    }
    const WallTime first = first_;
    const WallTime last = last_;
    widen(held_[i].time());
    free(i);
    if (i > 0 && (first != first_ || last != last_)) i = 0;
  }
}

/// Refuses those that waited too long, and says when to look again.
void TimeGuard::look() {
  while (!held_.empty() && passed_ - held_.front().passed_before >= kPatience) refuse(0);
  look_at_ = held_.empty() ? std::numeric_limits<std::uint64_t>::max()
                           : held_.front().passed_before + kPatience;
}

void TimeGuard::free(std::size_t index) {
  held_bytes_ -= held_[index].request.text_bytes();
  const auto place = std::find_if(free_.begin(), free_.end(), [&](const Held& other) {
    return other.order > held_[index].order;
  });
  free_.insert(place, std::move(held_[index]));
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
}

void TimeGuard::refuse(std::size_t index) {
  held_bytes_ -= held_[index].request.text_bytes();
  refused_.push_back(std::move(held_[index].line));
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
}

const traffic::Request& TimeGuard::take_free() {
  taken_ = std::move(free_.front());
  free_.pop_front();
  ++passed_;
  return taken_->request.request();
}

void TimeGuard::finish() {
  if (held_.empty()) return;
  std::vector<WallTime> times;
  for (const Held& held : held_) times.push_back(held.time());
  std::sort(times.begin(), times.end());
  // Groups of times that are near to their neighbours; those of two and more are believed.
  std::vector<WallTime> believed;
  for (std::size_t begin = 0, end = 0; begin < times.size(); begin = end) {
    for (end = begin + 1; end < times.size() && near(times[end - 1], times[end]);) ++end;
    if (end - begin < 2) continue;
    for (std::size_t i = begin; i < end; ++i) believed.push_back(times[i]);
  }
  // A small log of times that are far apart is one all the same: what agrees only says which
  // centuries are not meant.
  if (!known_) {
    const auto meant = [&, middle = believed.empty() ? WallTime{} : believed[believed.size() / 2]](
                           WallTime time) { return apart(time, middle) <= kNearEnough; };
    if (!believed.empty())
      times.erase(std::partition(times.begin(), times.end(), meant), times.end());
    believed = times;
    std::sort(believed.begin(), believed.end());
  }
  const bool known = known_;
  const WallTime first = first_;
  const WallTime last = last_;
  const auto plausible = [&](const Held& held) {
    if (!std::binary_search(believed.begin(), believed.end(), held.time())) return false;
    if (!known) return true;
    if (held.passed_before != passed_) return false;
    return apart(held.time(), held.time() > last ? last : first) <= kNearEnough;
  };
  while (!held_.empty()) {
    if (plausible(held_.front())) {
      widen(held_.front().time());
      free(0);
    } else {
      refuse(0);
    }
  }
}

}  // namespace tidelimit::ingest
