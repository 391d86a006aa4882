#include "cli/offline/engine_trial.hpp"

#include <algorithm>
#include <utility>

#include "traffic/client_replay.hpp"

namespace tidelimit::cli {
namespace {

constexpr std::size_t kBucketBytes = 1u << 20;

engine::Settings watching(engine::Settings settings) {
  // Nothing is denied, so that every request of the log gets its answer, as it did.
  settings.policy.mode.mode = limiter::Mode::shadow;
  settings.policy.anomaly.mode.mode = limiter::Mode::enforce;
  // No decision counts, and each turn of the control plane walks a part of the buckets.
  settings.bucket_bytes = kBucketBytes;
  return settings;
}

std::shared_ptr<const model::Bundle> detector_of(const model::Bundle& bundle) {
  auto detector = std::make_shared<model::Bundle>();
  detector->manifest = bundle.manifest;
  detector->anomaly = bundle.anomaly;
  return detector;
}

}  // namespace

EngineTrial::EngineTrial(engine::Settings settings, const model::Bundle& bundle)
    : engine_(std::make_unique<engine::Engine>(watching(std::move(settings)), nullptr,
                                               traffic::kReplaySeed)),
      worker_(engine_->make_worker()),
      time_(*engine_) {
  if (bundle.anomaly) engine_->set_models(detector_of(bundle));
}

bool EngineTrial::add(const traffic::Request& request) {
  raised_.clear();
  if (!time_.begun() || request.time > time_.now().wall) advance(request.time);
  if (!traffic::meets_limits(request)) {
    worker_->observe(request, engine::ReportKind::never_asked, false, time_.now());
  } else if (worker_->decide(request, 1, time_.now()).decision.allowed) {
    worker_->observe(request, engine::ReportKind::already_decided, false, time_.now());
  }
  return !raised_.empty();
}

bool EngineTrial::finish() {
  raised_.clear();
  if (!time_.begun()) return false;
  advance(time_.now().wall + std::chrono::minutes{1});
  return !raised_.empty();
}

void EngineTrial::advance(WallTime time) {
  time_.advance(time, [this] { look(); });
}

void EngineTrial::look() {
  const auto status = engine_->status();
  std::unordered_set<ClientId, ClientIdHash> malicious;
  for (const auto& verdict : status->verdicts) {
    auto& worst = worst_[verdict.client];
    worst = std::max(worst, verdict.kind);
    if (verdict.kind != limiter::VerdictKind::malicious) continue;
    malicious.insert(verdict.client);
    if (!malicious_.contains(verdict.client)) raised_.push_back(verdict.client);
  }
  malicious_ = std::move(malicious);
}

}  // namespace tidelimit::cli
