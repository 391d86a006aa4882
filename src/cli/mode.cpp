#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/live_gate.hpp"
#include "cli/text_table.hpp"

namespace tidelimit::cli {
namespace {

using nlohmann::json;

struct ModeOptions {
  LiveGate gate;
  std::string part;
  std::string mode;
  std::string duration;
  std::string reason = "set from the shell";
  std::string since = "7d";
  bool changes = false;
  bool as_json = false;
};

/// "enforce 5 %, until 2026-11-24T18:00:00Z, by ann: a try (configured: shadow)".
std::string in_words(const json& part) {
  const auto mode = [](const json& of) {
    const auto word = of["mode"].get<std::string>();
    const double share = of["enforced_ratio"].get<double>();
    return word == "enforce" && share < 1 ? fmt::format("{} {:g} %", word, share * 100) : word;
  };
  std::string words = mode(part);
  if (!part["by_hand"].get<bool>()) return words;
  if (part["until"].is_string()) words += ", until " + short_time(part["until"].get<std::string>());
  return words + fmt::format(", by {}: {} (configured: {})", part["by"].get<std::string>(),
                             part["reason"].get<std::string>(), mode(part["configured"]));
}

bool is_switch(const std::string& part) {
  return part.find('/') == std::string::npos;
}

void print_parts(const json& parts) {
  TextTable table({"part", "mode"}, {});
  for (const json& part : parts) {
    const auto name = part["part"].get<std::string>();
    if (is_switch(name)) {
      std::cout << fmt::format("{:<9} {}\n", name, in_words(part));
    } else {
      table.add({name, in_words(part)});
    }
  }
  if (!table.empty()) std::cout << '\n' << table.text();
}

void print_changes(const json& changes) {
  TextTable table({"time", "part", "mode", "until", "by", "reason"}, {});
  for (const json& change : changes) {
    std::string mode = change["mode"].get<std::string>();
    if (change["enforced_ratio"].is_number() && change["enforced_ratio"].get<double>() < 1)
      mode += fmt::format(" {:g} %", change["enforced_ratio"].get<double>() * 100);
    table.add({short_time(change["made_at"].get<std::string>()), change["part"].get<std::string>(),
               mode,
               change["until"].is_string() ? short_time(change["until"].get<std::string>()) : "-",
               change["by"].get<std::string>(), change["reason"].get<std::string>()});
  }
  std::cout << (table.empty() ? "no mode was set by hand\n" : table.text());
}

Result<void> show(const ModeOptions& options) {
  const std::string target =
      options.changes ? "/v1/modes/changes?since=" + encode_component(options.since) : "/v1/modes";
  const auto found = options.gate.call("GET", target);
  if (!found) return tl::unexpected(found.error());
  if (options.as_json) {
    std::cout << found->dump() << '\n';
  } else if (options.changes) {
    print_changes(printable_texts((*found)["changes"]));
  } else {
    print_parts(printable_texts((*found)["parts"]));
  }
  return {};
}

/// The mode as the gate reads it; what is wrong with it, in the words of the shell.
Result<json> mode_typed(const std::string& text) {
  for (const char* word : {"off", "shadow", "enforce", "configured"})
    if (text == word) return json(text);
  if (const auto share = share_typed(text); share && *share > 0) return json{{"enforce", text}};
  const auto number = parse_double(text);
  return fail(Code::invalid_argument,
              fmt::format("\"{}\" is no mode: say off, shadow, enforce, configured, or a share to "
                          "enforce for, like {}",
                          printable(text, 40),
                          number >= 1.0 && number <= 100.0 ? fmt::format("{:g}%", *number) : "5%"));
}

Result<void> run(const ModeOptions& options) {
  if (!options.part.empty()) {
    if (options.mode.empty())
      return fail(Code::invalid_argument,
                  fmt::format("what is {} to be: off, shadow, enforce, a share like 5%, or "
                              "configured?",
                              options.part));
    const auto mode = mode_typed(options.mode);
    if (!mode) return tl::unexpected<Error>(mode.error());
    json body{{part_named(options.part), *mode}, {"reason", options.reason}};
    if (!options.duration.empty()) body["for"] = options.duration;
    const auto set = options.gate.call("PUT", "/v1/mode", body_text(body));
    if (!set) return tl::unexpected(set.error());
    if (set->contains("warnings"))
      for (const json& warning : printable_texts((*set)["warnings"]))
        std::cerr << "warning: " << warning.get<std::string>() << '\n';
  }
  return show(options);
}

}  // namespace

void add_mode(Command app, int& status) {
  auto options = std::make_shared<ModeOptions>();
  const auto command = app.add_subcommand(
      "mode", "Shows or sets which parts a running gate enforces, and for whom; the way back");
  const auto part =
      command.add_option("PART", options->part,
                         "all, forecast, anomaly, rules, rule/NAME (or its number) or "
                         "endpoint/NAME");
  command.add_option(
      "MODE", options->mode,
      "off, shadow, enforce, a share of the principals to enforce for (5% or 0.05), or "
      "configured");
  command.add_option("--for", options->duration, "back to the configured mode after: 30m, 6h")
      .needs(part);
  command.add_option("--reason", options->reason, "for the record")
      .capture_default_str()
      .needs(part);
  const auto changes =
      command.add_flag("--changes", options->changes, "what was set by hand, and by whom");
  command.add_option("--since", options->since, "how far back: 7d, 12h, or a time")
      .capture_default_str()
      .needs(changes);
  command.add_flag("--json", options->as_json, "one JSON object instead of words");
  options->gate.add_options(command);
  command.callback([options, &status] {
    const auto done = run(*options);
    status = done ? kDone : exit_with("mode", done.error());
  });
}

}  // namespace tidelimit::cli
