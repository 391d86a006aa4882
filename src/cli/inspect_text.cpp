#include <algorithm>
#include <fmt/format.h>

#include "base/endpoint_name.hpp"
#include "base/figures.hpp"
#include "base/seconds.hpp"
#include "base/text.hpp"
#include "cli/input.hpp"
#include "cli/inspect.hpp"
#include "cli/text_table.hpp"

namespace tidelimit::cli {
namespace {

constexpr std::size_t kKeyWidth = 78;  ///< of paths and agents, so that rows fit a terminal

std::string about(const ingest::DistinctCounter& counter) {
  return (counter.exact() ? "" : "about ") + grouped(counter.count());
}

std::string mean(double sum, std::uint64_t n, const char* unit) {
  return n == 0 ? "-" : fmt::format("{:.1f}{}", sum / static_cast<double>(n), unit);
}

std::string span(Nanos length) {
  const double seconds = in_seconds(length);
  if (seconds < 120) return fmt::format("{:.0f} seconds", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} minutes", seconds / 60);
  if (seconds < 172800) return fmt::format("{:.1f} hours", seconds / 3600);
  return fmt::format("{:.1f} days", seconds / 86400);
}

std::string reading(const ingest::ReadReport& report, const char* things) {
  return fmt::format("format      {}\nlines       {} ({:.1f} MB): {} {}, {} unreadable\n",
                     report.format, grouped(report.lines), static_cast<double>(report.bytes) * 1e-6,
                     grouped(report.requests), things, grouped(report.unreadable));
}

std::string times(const ingest::Summary& summary) {
  const Nanos length = *summary.last() - *summary.first();
  std::string text = fmt::format("time        {} to {} ({})\n", format_time(*summary.first()),
                                 format_time(*summary.last()), span(length));
  if (length > Nanos{}) {
    text += fmt::format("rate        {:.2f} requests/s on average",
                        static_cast<double>(summary.requests()) / in_seconds(length));
    text +=
        fmt::format(", {} in the busiest minute ({})\n", grouped(summary.busiest_minute_requests()),
                    format_time(summary.busiest_minute()));
  }
  if (summary.out_of_order() > 0) {
    text +=
        fmt::format("order       {} older than one before them\n", grouped(summary.out_of_order()));
  }
  return text;
}

std::string counts(const char* title, const ingest::TopCounter& counter) {
  std::string text;
  for (const auto& entry : counter.top(8)) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", printable(entry.key, 20),
                        grouped(entry.tally.requests));
  }
  if (counter.size() > 8) text += fmt::format(", and {} more", counter.size() - 8);
  return text.empty() ? "" : fmt::format("{:<11} {}\n", title, text);
}

std::string statuses(const ingest::Summary& summary) {
  std::string text;
  for (std::size_t i = 0; i < summary.status_classes().size(); ++i) {
    const std::uint64_t n = summary.status_classes()[i];
    if (n == 0) continue;
    const std::string name = i == 0 ? "unknown" : fmt::format("{}xx", i);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, grouped(n));
  }
  return fmt::format("status      {}\n", text);
}

std::string endpoints(const ingest::Summary& summary) {
  using enum TextTable::Align;
  TextTable table({"", "requests", "share", "errors", "mean latency"},
                  {left, right, right, right, right});
  const auto row = [&](const std::string& name, const ingest::RequestSums& tally) {
    table.add({printable(name, 28), grouped(tally.requests),
               percent(tally.requests, summary.requests(), 1),
               percent(tally.errors, tally.responses, 1),
               mean(tally.latency_ms_sum, tally.timed, " ms")});
  };
  const auto found = summary.endpoints();
  for (const auto& endpoint : found.endpoints) row(endpoint.name, endpoint.tally);
  if (found.other.requests > 0) row(kOtherEndpoint, found.other);
  return "\nendpoints (first path segments with at least 0.5 % of the requests)\n" + table.text();
}

std::string top_list(const char* title, const ingest::TopCounter& counter, std::size_t n) {
  const auto entries = counter.top(n);
  if (entries.empty()) return "";
  std::string text =
      fmt::format("\n{}{}\n", title,
                  counter.missed() > 0
                      ? fmt::format(" (counts may be short by up to {})", grouped(counter.missed()))
                      : "");
  for (const auto& entry : entries) {
    text += fmt::format("  {:>12} {:>8} errors  {}\n", grouped(entry.tally.requests),
                        percent(entry.tally.errors, entry.tally.responses, 1),
                        printable(entry.key, kKeyWidth));
  }
  return text;
}

}  // namespace

std::string inspect_text(const ingest::ReadReport& report, const ingest::Summary& summary,
                         std::size_t top) {
  std::string text = reading(report, "requests") + times(summary);
  text +=
      fmt::format("clients     {}; users {}; user agents {}\n", about(summary.distinct_clients()),
                  about(summary.distinct_users()), about(summary.distinct_agents()));
  text +=
      statuses(summary) + counts("methods", summary.methods()) + counts("tiers", summary.tiers());
  if (summary.garbage() > 0) {
    text += fmt::format("garbage     {} (no HTTP in the request line: endpoint other)\n",
                        grouped(summary.garbage()));
  }
  text += endpoints(summary);
  text += top_list("top paths", summary.paths(), top);
  text += top_list("top clients", summary.clients(), top);
  text += top_list("top user agents", summary.agents(), top);
  const std::string notes = reading_notes(report);
  return notes.empty() ? text : text + "\n" + notes;
}

std::string inspect_text(const ingest::ReadReport& report, const ingest::Windows& windows) {
  const auto& grid = windows.grid;
  std::string text = reading(report, "windows");
  text += "time        " + format_time(grid.start);
  if (grid.size() > 1) {
    text += fmt::format(" to {}, a window every {}", format_time(grid.time_of(grid.size() - 1)),
                        format_duration(grid.step));
  }
  text += "\n\n";
  using enum TextTable::Align;
  TextTable table({"endpoint", "windows", "gaps", "mean requests", "most"},
                  {left, right, right, right, right});
  double total = 0;
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    double sum = 0;
    double most = 0;
    std::uint64_t observed = 0;
    for (const auto& window : grid.stats[e]) {
      if (!window.observed) continue;
      sum += window.requests;
      most = std::max(most, window.requests);
      ++observed;
    }
    total += sum;
    table.add({printable(grid.endpoints[e], 28), grouped(observed), grouped(grid.size() - observed),
               mean(sum, observed, ""), fmt::format("{:.1f}", most)});
  }
  text += table.text() + fmt::format("  {:.0f} requests in all\n", total);
  const std::string notes = gap_note(grid) + reading_notes(report);
  return notes.empty() ? text : text + "\n" + notes;
}

}  // namespace tidelimit::cli
