#include "ingest/synthetic/causal_filter.hpp"

#include <algorithm>
#include <cmath>

namespace tidelimit::synthetic {
namespace {

// Enough that doubling them changes the error of a month by less than half a percent.
constexpr std::size_t kParticles = 600;
// The share of calm particles that try a surge; the law's own chance would leave one in a window.
constexpr double kProposedSurges = 0.03;

double weighted_median(std::vector<std::pair<double, double>>& values) {
  std::sort(values.begin(), values.end());
  double below = 0;
  for (const auto& [value, weight] : values) {
    below += weight;
    if (below >= 0.5) return value;
  }
  return values.back().first;
}

}  // namespace

CausalFilter::CausalFilter(const NoiseLaw& law, Random random)
    : law_(law), random_(random), particles_(kParticles) {
  for (Particle& p : particles_) {
    p.state.level = law_.deviation * random_.normal();
    p.weight = 1.0 / static_cast<double>(kParticles);
  }
  next_.reserve(kParticles);
  sums_.reserve(kParticles);
}

double CausalFilter::forecast(const std::array<KnownRate, kHorizon>& next) const {
  sums_.clear();
  for (const Particle& p : particles_) {
    // The noise to come is symmetric about its mean path, so the path stands for its median.
    NoiseState state = p.state;
    double sum = 0;
    for (const KnownRate& known : next) {
      state = step(law_, state, 0.0, 0.0);
      sum += known.customers * std::exp(state.log_factor()) + known.steady + known.fixed;
    }
    sums_.emplace_back(sum, p.weight);
  }
  return weighted_median(sums_);
}

void CausalFilter::learn(const KnownRate& known, double requests) {
  move();
  weigh(known, requests);
  resample();
}

void CausalFilter::move() {
  const double started = law_.surge_chance / kProposedSurges;
  const double stayed = (1.0 - law_.surge_chance) / (1.0 - kProposedSurges);
  for (Particle& p : particles_) {
    const double shock = random_.normal();
    double height = 0;
    if (p.state.calm()) {
      const bool starts = random_.chance(kProposedSurges);
      if (starts) height = draw_height(law_, random_);
      p.weight *= starts ? started : stayed;
    }
    p.state = step(law_, p.state, shock, height);
  }
}

void CausalFilter::weigh(const KnownRate& known, double requests) {
  const double noisy = std::max(0.0, requests - known.fixed);
  const auto log_likelihood = [&](const Particle& p) {
    const double rate = known.customers * std::exp(p.state.log_factor()) + known.steady + 1e-9;
    return noisy * std::log(rate) - rate;
  };
  double best = -std::numeric_limits<double>::infinity();
  sums_.clear();
  for (const Particle& p : particles_) {
    sums_.emplace_back(log_likelihood(p), 0.0);
    best = std::max(best, sums_.back().first);
  }
  double total = 0;
  for (std::size_t i = 0; i < particles_.size(); ++i) {
    particles_[i].weight *= std::exp(sums_[i].first - best);
    total += particles_[i].weight;
  }
  for (Particle& p : particles_) p.weight /= total;
}

void CausalFilter::resample() {
  double squares = 0;
  for (const Particle& p : particles_) squares += p.weight * p.weight;
  if (1.0 / squares > 0.5 * static_cast<double>(kParticles)) return;
  // Systematic resampling (Kitagawa 1996): one draw for all.
  const double pitch = 1.0 / static_cast<double>(kParticles);
  double mark = random_.uniform() * pitch;
  double passed = 0;
  next_.clear();
  for (const Particle& p : particles_) {
    passed += p.weight;
    for (; mark < passed && next_.size() < kParticles; mark += pitch) {
      next_.push_back({p.state, pitch});
    }
  }
  while (next_.size() < kParticles) next_.push_back({particles_.back().state, pitch});
  std::swap(particles_, next_);
}

}  // namespace tidelimit::synthetic
