#include <chrono>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/live_gate.hpp"
#include "cli/text_table.hpp"

namespace tidelimit::cli {
namespace {

using nlohmann::json;

constexpr auto kPatience = std::chrono::seconds{15};  // a turn takes a second, a slow disk some
constexpr auto kLook = std::chrono::milliseconds{200};

struct ConfigsOptions {
  LiveGate gate;
  std::string shown;
  std::string return_to;
  std::string reason = "set from the shell";
  bool release = false;
  bool as_json = false;
};

std::string in_words(const json& found) {
  TextTable table({"configuration", "first in force", "last taken up", "lines", ""}, {});
  const json& hold = found["hold"];
  for (const json& row : found["configurations"]) {
    std::string state;
    if (row["in_force"].get<bool>()) state = hold.is_object() ? "in force, held" : "in force";
    table.add(
        {row["fingerprint"].get<std::string>(), short_time(row["first"].get<std::string>()),
         short_time(row["last"].get<std::string>()),
         fmt::format("+{} -{}", row["lines_added"].get<int>(), row["lines_removed"].get<int>()),
         state});
  }
  std::string text = table.text();
  if (hold.is_object())
    text += fmt::format("held by {}: {}; until the file changes, or --release\n",
                        hold["by"].get<std::string>(), hold["reason"].get<std::string>());
  if (found["note"].is_string()) text += found["note"].get<std::string>() + "\n";
  return text;
}

/// Waits until what was asked for is in force, or refused.
Result<json> settled(const LiveGate& gate) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    auto found = gate.call("GET", "/v1/configs");
    if (!found) return tl::unexpected(found.error());
    const json& wanted = (*found)["wanted"];
    if ((*found)["in_force"] == wanted) return found;
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Code::unavailable,
                  (*found)["note"].is_string()
                      ? (*found)["note"].get<std::string>()
                      : std::string("the gate has not taken it up: see its log"));
    std::this_thread::sleep_for(kLook);
  }
}

Result<json> answer_to(const ConfigsOptions& options) {
  const LiveGate& gate = options.gate;
  if (!options.shown.empty())
    return gate.call("GET", "/v1/configs/" + encode_component(options.shown));
  if (options.return_to.empty() && !options.release) return gate.call("GET", "/v1/configs");
  const auto done = options.release
                        ? gate.call("DELETE", "/v1/configs/hold")
                        : gate.call("PUT", "/v1/configs/" + encode_component(options.return_to),
                                    body_text(json{{"reason", options.reason}}));
  if (!done) return tl::unexpected(done.error());
  return settled(gate);
}

Result<void> run(const ConfigsOptions& options) {
  const auto found = answer_to(options);
  if (!found) return tl::unexpected(found.error());
  if (options.as_json) {
    std::cout << found->dump() << '\n';
  } else if (!options.shown.empty()) {
    std::cout << (*found)["text"].get<std::string>();
  } else {
    std::cout << in_words(printable_texts(*found));
  }
  return {};
}

}  // namespace

void add_configs(Command app, int& status) {
  auto options = std::make_shared<ConfigsOptions>();
  const auto command = app.add_subcommand(
      "configs", "Lists the configurations a running gate had in force, and returns to one");
  const auto shown = command.add_option("FINGERPRINT", options->shown, "prints this one");
  const auto back =
      command
          .add_option("--return-to", options->return_to,
                      "puts this one in force again, in place of the file, until that "
                      "changes or --release")
          .type_name("FINGERPRINT")
          .excludes(shown);
  command.add_flag("--release", options->release, "back to what the file says")
      .excludes(back)
      .excludes(shown);
  command.add_option("--reason", options->reason, "for the record")
      .capture_default_str()
      .needs(back);
  command.add_flag("--json", options->as_json, "one JSON object instead of words");
  options->gate.add_options(command);
  command.callback([options, &status] {
    const auto done = run(*options);
    status = done ? kDone : exit_with("configs", done.error());
  });
}

}  // namespace tidelimit::cli
