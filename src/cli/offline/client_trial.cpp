#include "cli/offline/client_trial.hpp"

#include <algorithm>

namespace tidelimit::cli {
namespace {

policy::PolicySettings armed(policy::PolicySettings settings) {
  // A verdict that is only reported counts here as any other.
  settings.anomaly.mode.mode = limiter::Mode::enforce;
  return settings;
}

traffic::ClientReplayOptions replay_options(const policy::VerdictBook& book) {
  traffic::ClientReplayOptions options;
  options.agent_patterns = book.agent_patterns();
  return options;
}

}  // namespace

ClientTrial::ClientTrial(std::shared_ptr<const anomaly::Detector> detector,
                         const policy::PolicySettings& settings, bool keep_outcomes)
    : detector_(std::move(detector)),
      keep_outcomes_(keep_outcomes),
      book_(armed(settings)),
      replay_(replay_options(book_)) {}

void ClientTrial::scan(std::uint32_t slot, const ClientId& client, WallTime wall) {
  scanned_ = true;
  now_ = {replay_.now(), wall};
  ClientOutcome* outcome = keep_outcomes_ ? &outcomes_[client] : nullptr;
  if (detector_) {
    const auto features = replay_.features(slot);
    const anomaly::Finding found = anomaly::examine(*detector_, features);
    book_.scanned(
        client, found.score, found.evidence, "", [] { return std::vector<std::string>{}; }, now_);
    if (outcome != nullptr) {
      const double rank = found.harm == anomaly::Harm::none ? anomaly::score(*detector_, features)
                                                            : 1 + found.score;
      outcome->rank = std::max(outcome->rank, rank);
    }
  }
  if (replay_.profiles().requests(slot, replay_.now()) >= book_.figures_from()) {
    book_.figures(client, replay_.profiles().figures(slot, replay_.now()), replay_.arrivals(slot),
                  now_);
  }
}

void ClientTrial::settle() {
  scanned_ = false;
  for (const auto& record : book_.take_news()) {
    if (record.renewed) continue;
    ++verdicts_;
    if (record.kind == limiter::VerdictKind::malicious) raised_.push_back(record.client);
    if (!keep_outcomes_) continue;
    auto& worst = outcomes_[record.client].worst;
    worst = std::max(worst, record.kind);
  }
  if (book_.expire(now_)) table_ = book_.table();
}

bool ClientTrial::finish() {
  raised_.clear();
  replay_.finish([this](std::uint32_t slot, bool, const ClientId& client, WallTime wall) {
    scan(slot, client, wall);
  });
  if (scanned_) settle();
  return !raised_.empty();
}

bool ClientTrial::is_malicious(const ClientId& client) const {
  const limiter::Verdict* verdict = table_->find(client, replay_.now());
  return verdict != nullptr && verdict->kind == limiter::VerdictKind::malicious;
}

}  // namespace tidelimit::cli
