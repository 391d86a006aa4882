#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include <nlohmann/json.hpp>

#include "base/figures.hpp"
#include "base/percent_encoding.hpp"
#include "cli/command.hpp"
#include "cli/live_gate.hpp"
#include "cli/text_table.hpp"

namespace tidelimit::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kNewest = 10;  // decisions told one by one

struct WhyOptions {
  LiveGate gate;
  std::string user;
  std::string client;
  std::string id;
  std::string since = "1h";
  bool all = false;
  bool as_json = false;
};

std::string text_or(const json& object, const char* key, const char* otherwise) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>()
                                                         : otherwise;
}

std::string number_or_dash(const json& object, const char* key) {
  constexpr double kAsWhole = 1e5;  // beyond it six digits would round it
  if (!object.contains(key) || !object[key].is_number()) return "-";
  const auto number = object[key].get<double>();
  return std::abs(number) < kAsWhole ? fmt::format("{:g}", number) : grouped(number);
}

const char* outcome_in_words(const json& decision) {
  const std::string outcome = text_or(decision, "outcome", "");
  return outcome == "deny"          ? "denied"
         : outcome == "shadow_deny" ? "passed, would be denied"
                                    : "passed";
}

/// One decision as a few lines: what was asked, what came of it, what led to it.
void print_decision(const json& d) {
  std::cout << fmt::format("{}  {}: {} {}  (endpoint {}, tier {})\n",
                           short_time(text_or(d, "time", "?")), outcome_in_words(d),
                           text_or(d, "method", "-"), text_or(d, "path", "-"),
                           text_or(d, "endpoint", "-"), text_or(d, "tier", "-"));
  std::cout << fmt::format("    client {}, user {}, verdict {}\n", text_or(d, "client", "-"),
                           text_or(d, "user", "-"), text_or(d, "verdict", "normal"));
  std::cout << fmt::format("    {}", text_or(d, "reason", "-"));
  if (d.contains("limit_per_minute") && d["limit_per_minute"].is_number()) {
    std::cout << fmt::format(": limit {} a minute (base {}), {} left",
                             number_or_dash(d, "limit_per_minute"),
                             number_or_dash(d, "base_per_minute"), number_or_dash(d, "remaining"));
  } else if (text_or(d, "outcome", "") == "allow") {
    std::cout << ": no limit";
  }
  if (const json wait = d.value("retry_after_ms", json(0.0)); wait.is_null()) {
    std::cout << ", and waiting does not help";
  } else if (wait.get<double>() > 0) {
    std::cout << fmt::format(", again after {:.1f} s", wait.get<double>() / 1000);
  }
  std::cout << '\n';
  if (const std::string rule = text_or(d, "rule", ""); !rule.empty())
    std::cout << fmt::format("    rule {}\n", rule);
  if (const std::string cause = text_or(d, "explanation", ""); !cause.empty())
    std::cout << fmt::format("    because {}\n", cause);
  if (const auto repeats = d.value("repeats", std::uint64_t{0}); repeats > 0)
    std::cout << fmt::format("    and {} more like it within a second\n", repeats);
  std::cout << fmt::format("    decision {}\n", text_or(d, "decision", "-"));
}

void print_client(const json& view) {
  const json& seen = view["last_five_minutes"];
  std::cout << fmt::format(
      "{}: {} requests in the last five minutes, {} denied, {} errors in {} responses\n",
      text_or(view, "client", "?"), number_or_dash(seen, "requests"),
      number_or_dash(seen, "denied"), number_or_dash(seen, "errors"),
      number_or_dash(seen, "responses"));
  const json& verdict = view["verdict"];
  if (!verdict.is_object()) {
    if (view["threshold"] == 0) {
      std::cout << "no verdict; the gate has no anomaly model that scores clients\n";
      return;
    }
    std::cout << fmt::format("no verdict; score {} (alarm above {})\n",
                             number_or_dash(view, "score"), number_or_dash(view, "threshold"));
    return;
  }
  std::cout << fmt::format("verdict {} by {}, {} until {}\n", text_or(verdict, "verdict", "?"),
                           text_or(verdict, "rule", "?"), text_or(verdict, "action", "?"),
                           short_time(text_or(verdict, "until", "?")));
  for (const json& reason : verdict["reasons"])
    std::cout << "    " << reason.get<std::string>() << '\n';
}

/// Those past the newest few, counted by what came of them and why.
void print_rest(const json& decisions, std::size_t shown) {
  if (decisions.size() <= shown) return;
  std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> counts;
  std::uint64_t all = 0;
  for (std::size_t i = shown; i < decisions.size(); ++i) {
    const json& d = decisions[i];
    const std::uint64_t stands_for = 1 + d.value("repeats", std::uint64_t{0});
    counts[{outcome_in_words(d), text_or(d, "reason", "-"), text_or(d, "rule", "-")}] += stands_for;
    all += stands_for;
  }
  std::cout << fmt::format("... and {} more (--all prints them):\n", all);
  TextTable table({"decisions", "outcome", "reason", "rule"}, {TextTable::Align::right});
  for (const auto& [of, count] : counts) {
    const auto& [outcome, reason, rule] = of;
    table.add({std::to_string(count), outcome, reason, rule});
  }
  std::cout << table.text();
}

/// What is missing in an answer, which a reader would else take for all there is.
void print_gaps(const json& found) {
  if (const auto dropped = found.value("dropped", std::uint64_t{0}); dropped > 0)
    std::cout << fmt::format(
        "not all is here: {} decisions came too fast to be kept since the gate started, the last "
        "at {}\n",
        dropped, short_time(text_or(found, "last_dropped", "?")));
}

/// Null: there are none.
void print_domains(const json& domains) {
  if (!domains.is_object()) return;
  const auto count = [&](const char* of) { return domains[of].get<std::uint64_t>(); };
  std::cout << fmt::format(
      "in ratelimit.domains no decision is kept: there {} of {} were denied and {} would have been "
      "since the gate started; tidelimit_descriptor_decisions_total counts them by descriptor\n",
      count("denied"), count("asked"), count("would_deny"));
}

std::string no_such_decision(const WhyOptions& options, const json& found) {
  const bool of_anyone = options.user.empty() && options.client.empty();
  return fmt::format(
      "tidelimit why: no decision {}has the id {}; denials and a sample of passes are kept, for {} "
      "(`retention.decisions`)\n",
      of_anyone ? "" : "of that user or client ",
      printable_texts(json(options.id)).get<std::string>(), text_or(found, "kept_for", "a while"));
}

int run(const WhyOptions& options) {
  if (options.user.empty() && options.client.empty() && options.id.empty())
    return exit_with(
        "why", {Code::invalid_argument, "name whom: --user ID, --client ADDR or --id DECISION"});
  std::string target = "/v1/decisions?since=" + encode_component(options.since);
  if (!options.user.empty()) target += "&user=" + encode_component(options.user);
  if (!options.client.empty()) target += "&client=" + encode_component(options.client);
  if (!options.id.empty()) target += "&id=" + encode_component(options.id);
  const auto found = options.gate.call("GET", target);
  if (!found) return exit_with("why", found.error());

  json client;
  if (!options.client.empty()) {
    const auto view =
        options.gate.call("GET", "/v1/clients/" + percent_encode(options.client, ":/"));
    if (view) client = *view;
    if (!view && view.error().code != Code::not_found) return exit_with("why", view.error());
  }
  const json decisions = printable_texts((*found)["decisions"]);
  const bool unknown_id = !options.id.empty() && decisions.empty();
  if (options.as_json) {
    json all = *found;
    if (!client.is_null()) all["client"] = client;
    std::cout << all.dump() << '\n';
    return unknown_id ? kFailed : kDone;
  }
  if (!client.is_null()) print_client(printable_texts(client));
  if (unknown_id) {
    std::cerr << no_such_decision(options, *found);
    print_gaps(*found);
    return kFailed;
  }
  const std::size_t shown = options.all ? decisions.size() : std::min(decisions.size(), kNewest);
  for (std::size_t i = 0; i < shown; ++i) print_decision(decisions[i]);
  print_rest(decisions, shown);
  if (decisions.empty())
    std::cout << fmt::format("no {} and no sampled passes since {}\n",
                             found->value("domains", json()).is_null()
                                 ? "denials"
                                 : "denials (but for ratelimit.domains, see below)",
                             short_time(text_or(*found, "since", "?")));
  print_gaps(*found);
  print_domains(found->value("domains", json()));
  return kDone;
}

}  // namespace

void add_why(Command app, int& status) {
  auto options = std::make_shared<WhyOptions>();
  const auto command = app.add_subcommand(
      "why", "Says why a running gate denied a user or a client, with everything that led to it");
  command.add_option("--user", options->user, "the user's id");
  command.add_option("--client", options->client, "the client's address");
  command.add_option("--id", options->id, "the id of one decision, as its answer named it");
  command.add_option("--since", options->since, "how far back: 1h, 30m, or a time")
      .capture_default_str();
  command.add_flag("--all", options->all,
                   fmt::format("every decision, not the newest {} alone", kNewest));
  command.add_flag("--json", options->as_json, "one JSON object instead of words");
  options->gate.add_options(command);
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
