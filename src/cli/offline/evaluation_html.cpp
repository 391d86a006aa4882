#include <fmt/format.h>

#include "base/figures.hpp"
#include "cli/offline/evaluation.hpp"
#include "cli/report/page.hpp"
#include "cli/report/plot.hpp"

namespace tidelimit::cli {
namespace {

report::Plot plot_of(const EndpointScore& score, Nanos horizon) {
  report::Curve band{
      .name = "90 % band", .ink = report::Ink::forecast, .shape = report::Shape::band};
  report::Curve came{.name = "what came", .ink = report::Ink::traffic};
  report::Curve median{.name = "forecast", .ink = report::Ink::forecast};
  for (const ScoredForecast& point : score.points) {
    const double at = unix_seconds(point.made_at);
    for (auto* curve : {&band, &came, &median}) curve->x.push_back(at);
    band.low.push_back(point.low);
    band.y.push_back(point.high);
    came.y.push_back(point.actual);
    median.y.push_back(point.median);
  }
  report::Plot plot;
  plot.title = score.endpoint;
  plot.unit = "requests in the next " + format_duration(horizon);
  plot.from = came.x.front();
  plot.until = std::max(came.x.back(), plot.from + 1);
  plot.curves = {std::move(band), std::move(came), std::move(median)};
  return plot;
}

void add_forecast(report::Page& page, const ForecastScore& score) {
  page.add_section("Forecast");
  std::vector<std::vector<std::string>> rows;
  for (const auto& e : score.endpoints) {
    std::string floor;
    for (const auto& f : score.floors) {
      if (f.endpoint == e.endpoint) floor = fmt::format("{:.2f}", f.causal_mae);
    }
    rows.push_back({e.endpoint, fmt::format("{:.1f}", e.mean), fmt::format("{:.2f}", e.mae),
                    in_words(e.seasonal_naive), in_words(e.last_value), floor,
                    fmt::format("{:.2f}", e.pinball), percent(e.coverage_90, 1),
                    std::to_string(e.origins)});
  }
  page.add_table({{"endpoint"},
                  {"mean", true},
                  {"error", true},
                  {"same hours yesterday", true},
                  {"last value", true},
                  {"nobody beats", true},
                  {"pinball", true},
                  {"in 90 % band", true},
                  {"forecasts", true}},
                 rows);
  for (const std::string& note : score.notes) page.add_note(note);
  for (const auto& e : score.endpoints) page.add_html(report::render(plot_of(e, score.horizon)));
}

void add_clients(report::Page& page, const ClientScore& score) {
  page.add_section("Clients");
  if (!score.labelled) {
    page.add_note("Without labels nobody knows who of these is malicious: give --labels.");
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& kind : score.kinds) {
    rows.push_back({kind.kind, kind.malicious ? "malicious" : "good", std::to_string(kind.clients),
                    std::to_string(kind.flagged)});
  }
  if (!rows.empty()) {
    page.add_table({{"kind"}, {"truth"}, {"clients", true}, {"flagged", true}}, rows);
  }
}

}  // namespace

std::string evaluation_html(const Evaluation& evaluation) {
  const ForecastScore& score = evaluation.forecast;
  const bool scored = !score.endpoints.empty();
  report::Page page(
      "What the models are worth",
      fmt::format("{}, preset {}, trained until {}", evaluation.bundle, evaluation.manifest.preset,
                  format_time(evaluation.manifest.trained_until)));
  std::vector<report::Card> cards;
  if (scored) {
    const ReferenceScore season{mean_over(score.endpoints, &EndpointScore::seasonal_naive)};
    cards.push_back({fmt::format("{:.1f}", score.mae), "requests off, on average",
                     fmt::format("over the next {}; same hours yesterday: {}",
                                 format_duration(score.horizon), in_words(season))});
  }
  if (evaluation.clients) {
    const ClientScore& clients = *evaluation.clients;
    cards.push_back(
        {grouped(clients.flagged), "clients flagged", "of " + grouped(clients.clients)});
    if (clients.labelled) {
      cards.push_back(
          {percent_or_unknown(clients.any.precision()), "precision", "of flagged clients"});
      cards.push_back({percent_or_unknown(clients.any.recall()), "recall", "of malicious clients"});
    }
  }
  page.add_cards(cards);
  if (scored) {
    add_forecast(page, score);
  } else {
    page.add_note("Forecast: " + score.note);
  }
  if (evaluation.clients) add_clients(page, *evaluation.clients);
  return page.html();
}

}  // namespace tidelimit::cli
