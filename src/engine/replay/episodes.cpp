#include "engine/replay/episodes.hpp"

#include <algorithm>

namespace tidelimit::engine {
namespace {

using policy::PlanChange;
using Of = PlanChange::Of;

bool ends(const PlanChange& change) {
  return change.of == Of::total ? change.after_per_minute == 0 : change.after_scale == 1;
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
  episode.shadow = episode.shadow && c.shadow;
  episode.until = ends(c) ? std::optional(c.time) : std::nullopt;
  if (c.of == Of::total && ends(c)) return;  // it has no value then
  episode.lowest_per_minute = std::min(episode.lowest_per_minute, c.after_per_minute);
  episode.highest_per_minute = std::max(episode.highest_per_minute, c.after_per_minute);
  episode.lowest_scale = std::min(episode.lowest_scale, c.after_scale);
}

}  // namespace

void EpisodeBook::add(const PlanChange& change) {
  const auto [latest, fresh] =
      latest_.try_emplace({change.endpoint, change.tier, change.of}, episodes_.size());
  if (!fresh) {
    Episode& episode = episodes_[latest->second];
    const bool paused =
        episode.until && change.of != Of::limit && change.time - *episode.until < kPause;
    if (!episode.until || (paused && !ends(change))) {
      go_on(episode, change);
      return;
    }
  }
  if (ends(change)) {
    if (fresh) latest_.erase(latest);
    return;
  }
  latest->second = episodes_.size();
  episodes_.push_back(begun_by(change));
}

}  // namespace tidelimit::engine
