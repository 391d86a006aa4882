#include "cli/replay_plots.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/seconds.hpp"
#include "engine/replay/episodes.hpp"

namespace tidelimit::cli {
namespace {

using engine::ReplayReport;
using limiter::Reason;
using report::Curve;
using report::Ink;
using report::Plot;
using report::Shape;
using Of = policy::PlanChange::Of;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The kinds of outcome that a chart tells apart.
struct Kind {
  const char* name;
  Ink ink;
  std::array<Reason, 2> reasons;
};
constexpr std::array kKinds{
    Kind{"passed", Ink::passed, {Reason::ok, Reason::ok}},
    Kind{"by verdict", Ink::blocked, {Reason::client_blocked, Reason::client_limited}},
    Kind{"by adapted limits", Ink::reduced, {Reason::reduced_capacity, Reason::load_shed}},
    Kind{"over the limit", Ink::denied, {Reason::over_limit, Reason::over_limit}},
};

/// One piled curve a kind, over all endpoints; kinds that never occur are left out. `denied`:
/// before the names of refusals.
std::vector<Curve> outcome_curves(const ReplayReport& r, std::size_t first_kind,
                                  const std::string& denied = "") {
  const std::size_t bins = r.timeline.empty() ? 0 : r.timeline.front().counts.size();
  std::vector<Curve> curves;
  for (std::size_t k = first_kind; k < kKinds.size(); ++k) {
    Curve curve{(k > 0 ? denied : "") + kKinds[k].name, kKinds[k].ink, Shape::bars};
    double sum = 0;
    for (std::size_t bin = 0; bin < bins; ++bin) {
      double n = 0;
      for (const engine::Timeline& line : r.timeline) {
        const auto& counts = line.counts[bin];
        n += counts[static_cast<std::size_t>(kKinds[k].reasons[0])];
        if (kKinds[k].reasons[1] != kKinds[k].reasons[0]) {
          n += counts[static_cast<std::size_t>(kKinds[k].reasons[1])];
        }
      }
      curve.x.push_back(
          unix_seconds(r.timeline_start + r.timeline_step * static_cast<Nanos::rep>(bin)));
      curve.y.push_back(n);
      sum += n;
    }
    if (sum > 0) curves.push_back(std::move(curve));
  }
  report::stack(curves);
  return curves;
}

Plot framed(const ReplayReport& r, std::string title, std::string unit) {
  Plot plot;
  plot.title = std::move(title);
  plot.unit = std::move(unit);
  plot.from = r.first ? unix_seconds(*r.first) : 0;
  plot.until = std::max(unix_seconds(r.last), plot.from + 1);
  return plot;
}

/// A total that no rule sets is a gap.
double drawn_as(const policy::PlanChange& change, double per_minute, double scale) {
  if (change.of == Of::shed) return (1 - scale) * 100;
  return change.of == Of::total && per_minute == 0 ? kNaN : per_minute;
}

double drawn_after(const policy::PlanChange& change) {
  return drawn_as(change, change.after_per_minute, change.after_scale);
}

void put(Curve& curve, double x, double y) {
  curve.x.push_back(x);
  curve.y.push_back(y);
}

/// Of one tier, in order of time.
struct Moves {
  Changes all;
  Changes in_force;
  bool watched_apart = false;  ///< some are only watched while others are in force
};

Moves moves_of(const Changes& changes, const std::string& tier, Of of) {
  Moves moves;
  for (const policy::PlanChange* c : changes) {
    if (c->of != of || c->tier != tier) continue;
    moves.all.push_back(c);
    if (!c->shadow) moves.in_force.push_back(c);
  }
  moves.watched_apart = !moves.in_force.empty() && moves.in_force.size() < moves.all.size();
  return moves;
}

/// What is only watched, while it is not as what is in force.
Curve watched_curve(const Moves& moves, std::string name, Ink ink) {
  Curve curve{std::move(name), ink, Shape::steps, {}, {}, {}, true};
  const auto& first = *moves.in_force.front();
  double in_force = first.of == Of::total ? first.before_per_minute : first.before_scale;
  double watched = in_force;
  for (const policy::PlanChange* c : moves.all) {
    (c->shadow ? watched : in_force) = engine::value_after(*c);
    if (watched == in_force) {
      put(curve, unix_seconds(c->time), kNaN);
    } else if (c->shadow) {
      put(curve, unix_seconds(c->time), drawn_after(*c));
    }
  }
  return curve;
}

}  // namespace

Plot traffic_plot(const ReplayReport& r) {
  Plot plot = framed(r, "Traffic and what became of it",
                     "requests per " + format_duration(r.timeline_step));
  plot.curves = outcome_curves(r, 0, r.mode == limiter::Mode::shadow ? "would be denied " : "");
  return plot;
}

std::optional<Plot> refusals_plot(const ReplayReport& r) {
  const bool shadow = r.mode == limiter::Mode::shadow;
  Plot plot = framed(r, shadow ? "Would have been denied" : "Denied",
                     "requests per " + format_duration(r.timeline_step));
  plot.height = 130;
  plot.curves = outcome_curves(r, 1);
  if (plot.curves.empty()) return std::nullopt;
  return plot;
}

std::optional<Plot> forecast_plot(const ReplayReport& r, const std::string& endpoint) {
  for (const engine::EndpointForecasts& e : r.forecasts) {
    // What came is known within the log alone; without it there is nothing to see.
    const auto shown = std::count_if(e.points.begin(), e.points.end(), [&](const auto& p) {
      return p.made_at + e.horizon <= r.last;
    });
    if (e.endpoint != endpoint || shown < 2) continue;
    const std::string span = format_duration(e.horizon);
    Plot plot = framed(r, endpoint + ": forecast and what came",
                       "requests in the " + span + " before each moment");
    Curve band{"forecast, 5 to 95 %", Ink::forecast, Shape::band};
    Curve median{"forecast, median", Ink::forecast, Shape::line, {}, {}, {}, true};
    Curve usual{"usual at this time of day", Ink::base, Shape::line, {}, {}, {}, true};
    Curve came{"came", Ink::traffic, Shape::line};
    for (const engine::ForecastPoint& p : e.points) {
      const double x = unix_seconds(p.made_at) + in_seconds(e.horizon);
      const auto put = [x](Curve& curve, double y) {
        curve.x.push_back(x);
        curve.y.push_back(y);
      };
      put(band, p.high);
      band.low.push_back(p.low);
      put(median, p.median);
      put(usual, p.usual.value_or(kNaN));
      put(came, p.came.value_or(kNaN));
    }
    plot.curves = {std::move(band), std::move(median), std::move(usual), std::move(came)};
    return plot;
  }
  return std::nullopt;
}

std::map<std::string, Changes> changes_by_endpoint(const ReplayReport& r) {
  std::map<std::string, Changes> changes;
  for (const auto& change : r.plan_changes) changes[change.endpoint].push_back(&change);
  return changes;
}

std::optional<Plot> moved_plot(const ReplayReport& r, const Changes& changes, Of of) {
  constexpr std::array kInks{Ink::limit, Ink::other, Ink::blocked, Ink::traffic};
  constexpr std::array<const char*, policy::kPlanFigures> kTitles{": limits", ": totals", ": shed"};
  constexpr std::array<const char*, policy::kPlanFigures> kUnits{
      "requests a minute per principal", "requests a minute of all principals of the tier together",
      "% of the requests"};
  const auto what = policy::index(of);
  Plot plot = framed(r, changes.front()->endpoint + kTitles[what], kUnits[what]);
  plot.height = 120;
  for (std::size_t t = 0; t < r.tiers.size(); ++t) {
    const Moves moves = moves_of(changes, r.tiers[t], of);
    if (moves.all.empty()) continue;
    Curve curve{r.tiers[t], kInks[t % kInks.size()], Shape::steps};
    const auto& first = *moves.all.front();
    put(curve, plot.from, drawn_as(first, first.before_per_minute, first.before_scale));
    for (const auto* c : moves.watched_apart ? moves.in_force : moves.all)
      put(curve, unix_seconds(c->time), drawn_after(*c));
    if (of == Of::limit)
      plot.curves.push_back({"",
                             Ink::base,
                             Shape::line,
                             {plot.from, plot.until},
                             {curve.y.front(), curve.y.front()},
                             {},
                             true});
    std::vector<Curve> curves{std::move(curve)};
    if (moves.watched_apart)
      curves.push_back(watched_curve(moves, r.tiers[t] + " in shadow", curves.front().ink));
    for (Curve& one : curves) {
      if (of != Of::limit && r.changes_end) put(one, unix_seconds(*r.changes_end), kNaN);
      plot.curves.push_back(std::move(one));
    }
  }
  if (plot.curves.empty()) return std::nullopt;
  return plot;
}

}  // namespace tidelimit::cli
