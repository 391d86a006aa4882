#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/live_gate.hpp"
#include "cli/text_table.hpp"

namespace tidelimit::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kMostRows = 1000;  // of an answer of the gate's

struct ShadowOptions {
  LiveGate gate;
  std::string since = "7d";
  std::string part;
  std::string max_harm = "0.01%";
  std::size_t rows = 20;
  bool without_domains = false;
  bool as_json = false;
};

std::string text_of(const json& row, const char* key, const char* otherwise) {
  constexpr std::size_t kLongest = 100;  // a user's name is whole within it (engine::UserName)
  return row[key].is_string() ? printable(row[key].get<std::string>(), kLongest) : otherwise;
}

const char* bound_in_words(const json& found, double most) {
  if (found["harm"].get<double>() > most) return "ABOVE the bound";
  if (found["dropped"].get<std::uint64_t>() > 0) return "not known, some were not kept";
  if (found["pending"] != 0) return "not known, some are not counted yet";
  return found["requests"].get<double>() > 0 ? "within the bound"
                                             : "no request, so nothing is shown";
}

struct InDomains {
  std::uint64_t asked = 0;
  std::uint64_t would_deny = 0;
  [[nodiscard]] double harm() const {
    return asked == 0 ? 0 : static_cast<double>(would_deny) / static_cast<double>(asked);
  }
};
/// Of ratelimit.domains, since the gate started. Nothing: there are none.
std::optional<InDomains> in_domains(const json& found) {
  const json domains = found.value("domains", json());
  if (!domains.is_object()) return std::nullopt;
  return InDomains{domains["asked"].get<std::uint64_t>(),
                   domains["would_deny"].get<std::uint64_t>()};
}

std::string domains_in_words(const InDomains& domains, double most) {
  return fmt::format(
      "ratelimit.domains, since the gate started: {} limits asked, {} would have denied\n"
      "harm {:.4f} % (at most {:.4f} %): {}; tidelimit_descriptor_decisions_total says which\n",
      domains.asked, domains.would_deny, domains.harm() * 100, most * 100,
      domains.harm() > most ? "ABOVE the bound" : "within the bound");
}

std::string words(const json& found, double most, std::size_t rows) {
  using Align = TextTable::Align;
  std::string text = fmt::format(
      "since {}: {:.0f} requests, {} would have been denied, {} of them are harm{}\n"
      "harm {:.4f} % (at most {:.4f} %): {}\n",
      short_time(text_of(found, "since", "?")), found["requests"].get<double>(),
      found["would_deny"].get<std::uint64_t>(), found["harmed_requests"].get<std::uint64_t>(),
      found["would_deny"] == found["harmed_requests"]
          ? ""
          : " (the others: of clients under a verdict or label; --part judges verdicts themselves)",
      found["harm"].get<double>() * 100, most * 100, bound_in_words(found, most));
  text += fmt::format("principals: {} would have met a denial, {} of them were harmed\n",
                      found["principals"].get<std::uint64_t>(),
                      found["principals_harmed"].get<std::uint64_t>());
  TextTable causes({"rule", "reason", "requests", "harm", "principals"},
                   {Align::left, Align::left, Align::right, Align::right, Align::right});
  for (const json& row : found["by_cause"])
    causes.add({text_of(row, "rule", "(base limit)"), text_of(row, "reason", "?"),
                std::to_string(row["requests"].get<std::uint64_t>()),
                std::to_string(row["harmed_requests"].get<std::uint64_t>()),
                std::to_string(row["principals"].get<std::uint64_t>())});
  if (!causes.empty()) text += '\n' + causes.text() + '\n';
  TextTable table(
      {"principal", "endpoint", "tier", "requests", "reason", "rule", "verdict", "last"},
      {Align::left, Align::left, Align::left, Align::right, Align::left, Align::left, Align::left,
       Align::left});
  const json& all = found["by_principal"];
  for (std::size_t i = 0; i < std::min(rows, all.size()); ++i) {
    const json& row = all[i];
    table.add({text_of(row, "principal", "?"), text_of(row, "endpoint", "?"),
               text_of(row, "tier", "?"), std::to_string(row["requests"].get<std::uint64_t>()),
               text_of(row, "reason", "?"), text_of(row, "rule", "(base limit)"),
               text_of(row, "verdict", "?"), short_time(text_of(row, "last", "?"))});
  }
  if (table.empty()) return text;
  text += table.text();
  // As many as one answer holds: there may be more.
  const char* at_least = all.size() == kMostRows ? "at least " : "";
  if (all.size() > rows)
    text += fmt::format("... and {}{} more (--rows {} prints them)\n", at_least, all.size() - rows,
                        all.size());
  return text;
}

/// Status 1 above the bound, and where nothing is shown: that nobody asked, or that not all was
/// kept, is no proof of safety.
int verdict(const json& found, double most) {
  if (const json& pending = found["pending"]; pending != 0) {
    std::cerr << (pending.is_null()
                      ? "tidelimit shadow-report: the gate's control plane is busy, so that the "
                        "latest decisions are not counted here; ask again\n"
                      : fmt::format("tidelimit shadow-report: {} decisions wait to be written and "
                                    "are not counted here; /readyz?verbose says why\n",
                                    pending.get<std::uint64_t>()));
    return kFailed;
  }
  if (found["requests"].get<double>() <= 0) {
    std::cerr
        << "tidelimit shadow-report: no request in that time, so nothing is shown; is traffic "
           "sent to the gate, and does --since reach back to it?\n";
    return kFailed;
  }
  if (const auto dropped = found["dropped"].get<std::uint64_t>(); dropped > 0) {
    std::cerr << fmt::format(
        "tidelimit shadow-report: {} decisions came too fast to be kept since the gate started, "
        "the last at {}, so more would have been denied than is counted here; ask again with "
        "--since "
        "from the next full hour after that\n",
        dropped, text_of(found, "last_dropped", "?"));
    return kFailed;
  }
  return found["harm"].get<double>() <= most ? kDone : kFailed;
}

int run(const ShadowOptions& options) {
  const auto most = share_typed(options.max_harm);
  if (!most)
    return exit_with("shadow-report", {most.error().code, "--max-harm: " + most.error().message});
  const auto found =
      options.gate.call("GET", "/v1/shadow?since=" + encode_component(options.since) +
                                   "&part=" + encode_component(part_named(options.part)));
  if (!found) return exit_with("shadow-report", found.error());
  std::cout << (options.as_json ? found->dump() + "\n" : words(*found, *most, options.rows));
  // No part of the policy speaks of domains.
  const bool with_domains = options.part.empty() && !options.without_domains;
  const auto domains = with_domains ? in_domains(*found) : std::nullopt;
  const bool nothing_else =
      domains && domains->asked != 0 && (*found)["requests"].get<double>() <= 0;
  const int by_plan = nothing_else ? kDone : verdict(*found, *most);
  if (!domains) return by_plan;
  if (!options.as_json) std::cout << domains_in_words(*domains, *most);
  return domains->harm() > *most ? kFailed : by_plan;
}

}  // namespace

void add_shadow_report(Command app, int& status) {
  auto options = std::make_shared<ShadowOptions>();
  const auto command = app.add_subcommand(
      "shadow-report", "Who a running gate in shadow mode would have denied, and by which rule");
  command.add_option("--since", options->since, "how far back: 7d, 12h, or a time")
      .capture_default_str();
  command.add_option("--part", options->part,
                     "of one part alone: rule/NAME, endpoint/NAME, forecast, anomaly or rules");
  command
      .add_option(
          "--max-harm", options->max_harm,
          "Status 1 where more of the requests would have been denied to principals whom no "
          "verdict and no label calls otherwise than good")
      .capture_default_str();
  command.add_option("--rows", options->rows, "Principals that the table names")
      .between(0, static_cast<int>(kMostRows))
      .capture_default_str();
  command.add_flag("--without-domains", options->without_domains,
                   "Say nothing of ratelimit.domains");
  command.add_flag("--json", options->as_json, "one JSON object instead of words");
  options->gate.add_options(command);
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
