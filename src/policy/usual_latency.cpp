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

}  // namespace

void UsualLatency::Part::add(double more, double more_ms, Nanos longer) {
  answered += more;
  latency_ms_sum += more_ms;
  span += longer;
}

void UsualLatency::add(double answered, double latency_ms_sum, Nanos span, bool shedding) {
  if (!known()) {
    slice_.add(answered, latency_ms_sum, span);
    if (slice_.span >= kSlice && slice_.answered >= kLeastOfSlice) {
      least_slice_ = std::min(least_slice_.value_or(slice_.mean()), slice_.mean());
      slice_ = {};
    }
  }
  minute_.add(answered, latency_ms_sum, span);
  if (minute_.span < (shedding ? kSlower * kMinute : kMinute)) return;
  minute_.span = Nanos{0};
  if (minute_.answered < kLeastOfUsual) return;  // goes on with the next minute
  const double mean = minute_.mean();
  const bool rush = !known() && least_slice_ && mean >= kSwollen * *least_slice_;
  minutes_.push_back(rush ? *least_slice_ : mean);
  if (minutes_.size() > kMinutesKept) minutes_.pop_front();
  minute_ = {};
}

std::optional<double> UsualLatency::ms() const {
  if (known()) return *std::min_element(minutes_.begin(), minutes_.end());
  if (least_slice_) return least_slice_;
  if (slice_.answered < kLeastOfUsual) return std::nullopt;
  return slice_.mean();
}

}  // namespace tidelimit::policy
