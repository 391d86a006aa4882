#include <cstring>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/address.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/live_gate.hpp"

namespace tidelimit::cli {
namespace {

using nlohmann::json;

struct UnblockOptions {
  LiveGate gate;
  std::string user;
  std::string client;
  std::string duration = "24h";
  std::string reason = "unblocked from the shell";
  bool permanent = false;
  bool undo = false;
};

/// A refusal of the gate's with the options that were typed in the place of its keys.
Error in_shell_words(Error error) {
  for (const auto& [key, option] :
       {std::pair{R"("permanent":true)", "--permanent"}, {R"("for")", "--for"}}) {
    const auto at = error.message.find(key);
    if (at != std::string::npos) error.message.replace(at, std::strlen(key), option);
  }
  return error;
}

int run(const UnblockOptions& options) {
  if (options.user.empty() == options.client.empty())
    return exit_with("unblock", {Code::invalid_argument,
                                 "name one of --user ID and --client ADDR (or a prefix)"});
  const std::string_view client = trim(options.client);
  if (const auto known = parse_prefix(client); options.user.empty() && !known)
    return exit_with("unblock", {known.error().code, "--client: " + known.error().message});
  const std::string target =
      "/v1/overrides/" +
      (options.user.empty() ? std::string(client) : "user/" + encode_component(options.user));
  if (options.undo) {
    const auto gone = options.gate.call("DELETE", target);
    if (!gone) return exit_with("unblock", gone.error());
    std::cout << "the override is gone: limits and verdicts hold again, but for a verdict that "
                 "it ended: only fresh evidence raises another\n";
    return kDone;
  }
  json body{{"action", "allow"}, {"reason", options.reason}};
  if (options.permanent) {
    body["permanent"] = true;
  } else {
    body["for"] = options.duration;
  }
  const auto answer = options.gate.call("PUT", target, body_text(body));
  if (!answer) return exit_with("unblock", in_shell_words(answer.error()));
  const json made = printable_texts(*answer);
  const std::string until = made["until"].is_string()
                                ? "until " + short_time(made["until"].get<std::string>())
                                : std::string("until it is taken back");
  const bool not_in_domains =
      made.contains("holds_in_domains") && made["holds_in_domains"] == false;
  const std::string lost =
      made.value("kept", true) ? "" : "; without `state` the gate forgets it at its next stop";
  std::cout << fmt::format(
      "{} passes {}{}; --undo ends it{}\n", made["target"].get<std::string>(), until,
      not_in_domains ? " (no override lifts limits of ratelimit.domains)" : "", lost);
  return kDone;
}

}  // namespace

void add_unblock(Command app, int& status) {
  auto options = std::make_shared<UnblockOptions>();
  const auto command =
      app.add_subcommand("unblock", "Lets a client or user through on a running gate at once");
  command.add_option("--user", options->user, "the user's id");
  command.add_option("--client", options->client, "an address or prefix: 203.0.113.7, 10.0.0.0/8");
  const auto duration =
      command.add_option("--for", options->duration, "how long, at most 7d").capture_default_str();
  const auto permanent =
      command.add_flag("--permanent", options->permanent, "until it is taken back")
          .excludes(duration);
  command.add_option("--reason", options->reason, "for the audit").capture_default_str();
  command.add_flag("--undo", options->undo, "takes the override back")
      .excludes(duration)
      .excludes(permanent);
  options->gate.add_options(command);
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
