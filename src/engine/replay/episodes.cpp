#include "engine/replay/episodes.hpp"

#include <algorithm>

namespace tidelimit::engine {
namespace {

using policy::PlanChange;
using Of = PlanChange::Of;

double base_of(Of of) {
  return of == Of::total ? 0 : 1;
}

Episode begun_by(const PlanChange& c) {
  Episode episode;
  episode.of = c.of;
  episode.endpoint = c.endpoint;
  episode.tier = c.tier;
  episode.rule = c.rule;
  episode.cause = c.cause;
  episode.from = c.time;
  if (c.of == Of::limit && c.before_scale > 0)
    episode.base_per_minute = c.before_per_minute / c.before_scale;
  episode.lowest_per_minute = episode.highest_per_minute = c.after_per_minute;
  episode.lowest_scale = c.after_scale;
  episode.shadow = c.shadow;
  return episode;
}

void go_on(Episode& episode, const PlanChange& c) {
  if (c.of == Of::total && c.after_per_minute == 0) return;  // it has no value then
  episode.lowest_per_minute = std::min(episode.lowest_per_minute, c.after_per_minute);
  episode.highest_per_minute = std::max(episode.highest_per_minute, c.after_per_minute);
  episode.lowest_scale = std::min(episode.lowest_scale, c.after_scale);
}

}  // namespace

double value_after(const PlanChange& change) {
  return change.of == Of::total ? change.after_per_minute : change.after_scale;
}

void EpisodeBook::add(const PlanChange& change) {
  const double base = base_of(change.of);
  const auto chains =
      chains_
          .try_emplace({change.endpoint, change.tier, change.of}, Chains{Chain{base}, Chain{base}})
          .first;
  auto& [in_force, watched] = chains->second;
  Chain& chain = change.shadow ? watched : in_force;
  chain.value = value_after(change);
  const bool as_one = watched.value == in_force.value;
  extend(chain, change, chain.value == base || (change.shadow && as_one));
  if (as_one && !change.shadow && watched.latest && !episodes_[*watched.latest].until)
    episodes_[*watched.latest].until = change.time;
}

void EpisodeBook::extend(Chain& chain, const PlanChange& change, bool ends) {
  if (chain.latest) {
    Episode& episode = episodes_[*chain.latest];
    const bool paused =
        episode.until && change.of != Of::limit && change.time - *episode.until < kPause;
    if (!episode.until || (paused && !ends)) {
      go_on(episode, change);
      episode.until = ends ? std::optional(change.time) : std::nullopt;
      return;
    }
  }
  if (ends) return;
  chain.latest = episodes_.size();
  episodes_.push_back(begun_by(change));
}

}  // namespace tidelimit::engine
