#include "policy/usual_latency.hpp"

#include <algorithm>

namespace tidelimit::policy {
namespace {

constexpr Nanos kMinute = std::chrono::minutes{1};
constexpr Nanos kSlice = std::chrono::seconds{5};
constexpr double kLeastOfSlice = 20;  // for a slice's mean
constexpr double kSwollen = 2;        // a first minute so many times its least slice was a rush
constexpr std::size_t kMinutesKept = 60;
constexpr int kSlower = 6;            // a minute of shedding lasts six
constexpr double kLeastOfUsual = 10;  // for a minute's mean
constexpr double kMostFailed = 0.1;   // what succeeds beside more is not usual
constexpr int kMostFailing = 10;      // minutes at the start that may be left out for that

}  // namespace

void UsualLatency::Part::add(const EndpointLoad& load, Nanos longer) {
  served += load.served;
  failed += load.failed.count;
  span += longer;
}

bool UsualLatency::Part::fails() const {
  return failed > kMostFailed * (served.count + failed);
}

void UsualLatency::add(const EndpointLoad& load, Nanos span, bool shedding) {
  if (!known()) {
    slice_.add(load, span);
    if (slice_.span >= kSlice && slice_.served.count >= kLeastOfSlice) {
      const double mean = slice_.served.mean_ms();
      if (!slice_.fails()) least_slice_ = std::min(least_slice_.value_or(mean), mean);
      slice_ = {};
    }
  }
  minute_.add(load, span);
  if (minute_.span < (shedding ? kSlower * kMinute : kMinute)) return;
  minute_.span = Nanos{0};
  const bool fails = minute_.fails();
  if (minute_.served.count < kLeastOfUsual) {
    if (fails) minute_ = {};
    return;  // else it goes on with the next minute
  }
  const double mean = minute_.served.mean_ms();
  minute_ = {};
  if (fails && !known() && ++failing_ <= kMostFailing) return;
  const bool rush = !known() && least_slice_ && mean >= kSwollen * *least_slice_;
  // A minute in which much failed makes nothing lower, but it is one of the sixty: where a little
  // fails all the time, what was usual once would else be so for ever.
  const double least = rush ? *least_slice_ : mean;
  minutes_.push_back(fails && known() ? std::max(least, *ms()) : least);
  if (minutes_.size() > kMinutesKept) minutes_.pop_front();
}

std::optional<double> UsualLatency::ms() const {
  if (known()) return *std::min_element(minutes_.begin(), minutes_.end());
  if (least_slice_) return least_slice_;
  if (slice_.served.count < kLeastOfUsual) return std::nullopt;
  return slice_.served.mean_ms();
}

}  // namespace tidelimit::policy
