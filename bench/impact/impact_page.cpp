#include "impact/impact_page.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "cli/report/page.hpp"
#include "cli/report/plot.hpp"
#include "figures.hpp"

namespace tidelimit::impact {
namespace {

using cli::report::Curve;
using cli::report::Ink;
using cli::report::Page;
using cli::report::Plot;
using cli::report::Shape;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kPoints =
    40;  // of a curve over the play: enough calls in each for a quantile

Ink ink_of(Arm arm) {
  switch (arm) {
    case Arm::none:
      return Ink::base;
    case Arm::fixed:
      return Ink::denied;
    case Arm::limit_req:
      return Ink::blocked;
    case Arm::reactive:
      return Ink::forecast;
    case Arm::ruled:
      return Ink::passed;
    case Arm::whole:
      return Ink::limit;
    case Arm::reactive_untold:
      return Ink::traffic;
    case Arm::whole_untold:
      return Ink::reduced;
  }
  return Ink::other;
}

/// All seeds' bins of one arm, `together` of them at a time.
struct Moments {
  std::vector<double> x;
  std::vector<Bin> bins;
};

void add(Bin& to, const Bin& from) {
  to.all.add(from.all);
  to.payment_prm.add(from.payment_prm);
  to.std_all.add(from.std_all);
  to.attack_asked += from.attack_asked;
  to.attack_passed += from.attack_passed;
}

Moments moments_of(const Outcomes& outcomes, Arm arm, Span span) {
  const std::size_t bins = outcomes.front()[static_cast<std::size_t>(arm)].bins.size() - 1;
  const std::size_t together = std::max<std::size_t>(1, bins / kPoints);
  Moments moments;
  for (std::size_t first = 0; first < bins; first += together) {
    Bin& sum = moments.bins.emplace_back();
    for (std::size_t i = first; i < std::min(first + together, bins); ++i) {
      for (const auto& seed : outcomes) add(sum, seed[static_cast<std::size_t>(arm)].bins[i]);
    }
    moments.x.push_back(unix_seconds(kDay + span.from + kBin * static_cast<Nanos::rep>(first)));
  }
  return moments;
}

Plot framed(std::string title, std::string unit, Span span) {
  Plot plot;
  plot.title = std::move(title);
  plot.unit = std::move(unit);
  plot.from = unix_seconds(kDay + span.from);
  plot.until = unix_seconds(kDay + span.until);
  return plot;
}

template <class Measure>
Plot over_the_play(const Outcomes& outcomes, std::span<const Arm> arms, Span span,
                   std::string title, std::string unit, Measure&& measure) {
  Plot plot = framed(std::move(title), std::move(unit), span);
  for (const Arm arm : arms) {
    Curve curve{std::string(name_of(arm)), ink_of(arm), Shape::steps};
    Moments moments = moments_of(outcomes, arm, span);
    for (const Bin& bin : moments.bins) curve.y.push_back(measure(bin));
    curve.x = std::move(moments.x);
    plot.curves.push_back(std::move(curve));
  }
  return plot;
}

/// What one standard user may ask of /browse, and what part of all of it is shed; the first seed's.
std::vector<Plot> limit_plots(const Outcomes& outcomes, std::span<const Arm> arms, Span span) {
  Plot limits = framed("/browse for STD: the limit of one user", "calls a minute", span);
  Plot shed = framed("/browse for STD: shed", "% of the calls", span);
  limits.height = shed.height = 120;
  for (const Arm arm : arms) {
    if (!adapts(arm)) continue;
    Curve limit{std::string(name_of(arm)), ink_of(arm), Shape::steps};
    Curve part{std::string(name_of(arm)), ink_of(arm), Shape::steps};
    const auto& bins = outcomes.front()[static_cast<std::size_t>(arm)].bins;
    for (std::size_t i = 0; i + 1 < bins.size(); ++i) {
      const double x = unix_seconds(kDay + span.from + kBin * static_cast<Nanos::rep>(i));
      if (bins[i].per_minute > 0) {
        limit.x.push_back(x);
        limit.y.push_back(bins[i].per_minute);
      }
      part.x.push_back(x);
      part.y.push_back(100 * bins[i].shed);
    }
    limits.curves.push_back(std::move(limit));
    shed.curves.push_back(std::move(part));
  }
  return {std::move(limits), std::move(shed)};
}

/// A figure's name in words that a narrow card may break.
std::string spaced(std::string_view name) {
  std::string words(name);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

void add_promises(Page& page, const Outcomes& outcomes) {
  std::vector<cli::report::Card> cards;
  for (const Promise& promise : promises(outcomes)) {
    const bench::Figure figure{.name = std::string(promise.name),
                               .value = promise.value.mean,
                               .unit = "",
                               .aim = std::string(promise.aim)};
    const std::string aim = promise.aim.empty() ? "no aim" : fmt::format("aim {}", promise.aim);
    const std::string width = std::isnan(promise.value.half_width)
                                  ? ""
                                  : fmt::format("± {:.3f}, ", promise.value.half_width);
    cards.push_back({fmt::format("{:.3f}", promise.value.mean), width + aim,
                     fmt::format("{}: {}", spaced(promise.name), promise.meaning), !figure.met()});
  }
  page.add_cards(cards);
}

void add_arms(Page& page, const Outcomes& outcomes, std::span<const Arm> arms) {
  std::vector<std::vector<std::string>> rows;
  for (const Arm arm : arms) {
    const auto figure = [&](double scale, int digits, auto&& measure) {
      return in_words(
          over_seeds(outcomes, arm, [&](const Outcome& o) { return scale * measure(o); }), digits);
    };
    rows.push_back({std::string(name_of(arm)), figure(1, 0, p95_in_spike),
                    figure(100, 2, payment_prm_available), figure(100, 2, std_available),
                    figure(100, 2, denied_in_calm), figure(100, 2, attack_passed),
                    figure(1, 0, [](const Outcome& o) { return o.useful_work(Phase::spike); }),
                    figure(1, 0, [](const Outcome& o) { return o.useful_work(); })});
  }
  page.add_table({{"arm"},
                  {"p95 in spike, ms", true},
                  {"/payment PRM, %", true},
                  {"STD in time, %", true},
                  {"denied calm, %", true},
                  {"attack passed, %", true},
                  {"work in spike, s", true},
                  {"work in all, s", true}},
                 rows);
  page.add_text(
      "In spike: from 18:00 to 19:00, good calls alone. In time: answered within the deadline, of "
      "all that were asked for. Calm: neither spike nor flood. Work: worker seconds spent on good "
      "calls that were answered in time.");
}

void add_endpoints(Page& page, const Outcomes& outcomes, std::span<const Arm> arms) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t offer = 0; offer < kOffers.size(); ++offer) {
    for (std::size_t tier = 0; tier < kTiers; ++tier) {
      for (const Arm arm : arms) {
        const auto figure = [&](int digits, auto&& measure) {
          return in_words(in_spike(outcomes, arm, offer, tier, measure), digits);
        };
        rows.push_back({fmt::format("{} {}", kOffers[offer].endpoint, kTierNames[tier]),
                        std::string(name_of(arm)),
                        figure(0, [](const Group& g) { return g.latency.quantile(0.5); }),
                        figure(0, [](const Group& g) { return g.latency.quantile(0.95); }),
                        figure(0, [](const Group& g) { return g.latency.quantile(0.99); }),
                        figure(2, [](const Group& g) { return percent(g.in_time, g.asked); }),
                        figure(2, [](const Group& g) { return percent(g.denied, g.asked); }),
                        figure(2, [](const Group& g) { return percent(g.refused, g.asked); })});
      }
    }
  }
  page.add_table({{"in the spike"},
                  {"arm"},
                  {"p50, ms", true},
                  {"p95, ms", true},
                  {"p99, ms", true},
                  {"in time, %", true},
                  {"denied, %", true},
                  {"queue full, %", true}},
                 rows);
}

}  // namespace

std::string page_of(const Outcomes& outcomes, std::span<const Arm> arms, Span span,
                    const Flood& flood, const std::string& how) {
  Page page("What adaptive limits bring", how);
  add_promises(page, outcomes);
  std::vector<std::vector<std::string>> troubles;
  for (const auto& seed : outcomes) {
    for (const Outcome& outcome : seed) {
      for (const std::string& trouble : outcome.troubles) troubles.push_back({trouble});
    }
  }
  if (!troubles.empty())
    page.add_note(
        "The machine could not keep up, so these figures say little; how far stands below.");
  page.add_text(fmt::format(
      "Times are the shop's. /payment doubles from {} to {}; three addresses attack from {}; a "
      "flood runs from {} to {}. Means and 95 % confidence intervals over seeds.",
      format_time(kDay + kSpike.from).substr(11, 5), format_time(kDay + kSpike.until).substr(11, 5),
      format_time(kDay + kAttack.from).substr(11, 5),
      format_time(kDay + flood.span.from).substr(11, 5),
      format_time(kDay + flood.span.until).substr(11, 5)));
  page.add_section("Arms");
  add_arms(page, outcomes, arms);
  page.add_section("Over the play");
  page.add_html(render(over_the_play(outcomes, arms, span, "Latency of good calls, p95",
                                     "ms, of those answered", [](const Bin& bin) {
                                       return bin.all.latency.count() > 0
                                                  ? bin.all.latency.quantile(0.95)
                                                  : kNaN;
                                     })));
  page.add_html(render(over_the_play(
      outcomes, arms, span, "/payment for PRM: good answers in time", "% of the calls",
      [](const Bin& bin) { return percent(bin.payment_prm.in_time, bin.payment_prm.asked); })));
  page.add_html(render(over_the_play(
      outcomes, arms, span, "STD, all endpoints: good answers in time", "% of the calls",
      [](const Bin& bin) { return percent(bin.std_all.in_time, bin.std_all.asked); })));
  page.add_html(render(
      over_the_play(outcomes, arms, span, "Attackers' calls that no limit denied", "% of the calls",
                    [](const Bin& bin) { return percent(bin.attack_passed, bin.attack_asked); })));
  for (const Plot& plot : limit_plots(outcomes, arms, span)) page.add_html(render(plot));
  page.add_section("Endpoints and tiers");
  add_endpoints(page, outcomes, arms);
  if (!troubles.empty()) {
    page.add_section("Where the machine could not keep up");
    page.add_table({{"what"}}, troubles);
  }
  page.add_section("Limits as they moved, first seed");
  std::vector<std::vector<std::string>> changes;
  for (const Arm arm : arms) {
    for (const auto& change : outcomes.front()[static_cast<std::size_t>(arm)].plan_changes)
      changes.push_back({std::string(name_of(arm)), change});
  }
  page.add_table({{"arm"}, {"change"}}, changes, "none moved");
  return page.html();
}

}  // namespace tidelimit::impact
