#include "engine/replay/open_requests.hpp"

#include <algorithm>

namespace tidelimit::engine {
namespace {

// What lasts longer has ended by its timeout long before.
constexpr float kLongestMs = 3'600'000;

}  // namespace

void OpenRequests::begin(EngineWorker& worker, const traffic::Request& request,
                         const EngineWorker::Prepared& prepared, const Now& now) {
  if (request.status == traffic::kHungUp) return;  // the service may work on it still
  if (!(request.latency_ms >= 0)) {                // not a number, too
    ++without_latency_;
    worker.end(request, prepared, now);
    return;
  }
  if (request.latency_ms > kLongestMs) return;
  if (open_.size() >= kMost) {
    ++untracked_;
    return;
  }
  const auto us = static_cast<std::int64_t>(request.latency_ms * 1e3f);
  open_.push({now.mono + std::chrono::microseconds{us}, numbers_++, request.latency_ms, prepared});
}

void OpenRequests::end_first(EngineWorker& worker) {
  const Open& first = open_.top();
  traffic::Request request;
  request.latency_ms = first.latency_ms;
  worker.end(request, first.prepared, {first.end, {}});
  open_.pop();
}

}  // namespace tidelimit::engine
