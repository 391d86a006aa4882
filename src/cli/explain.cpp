#include "cli/explain.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <utility>

#include "anomaly/detector.hpp"
#include "base/path.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/models.hpp"
#include "cli/reading_progress.hpp"

namespace tidelimit::cli {
namespace {

struct ExplainOptions {
  InputOptions input;
  std::string client;
  std::string model;
  std::string config;
  bool json = false;
};

/// Follows one client through a replay.
class Follower {
 public:
  explicit Follower(Explanation& explanation) : out_(explanation) {}

  void take(const traffic::Request& request, const engine::Answer& answer) {
    if (out_.requests++ == 0) out_.first = out_.last = request.time;
    out_.first = std::min(out_.first, request.time);
    out_.last = std::max(out_.last, request.time);
    ++out_.status_classes[traffic::status_class(request.status)];
    const std::uint16_t status = traffic::answered_status(request);
    const ingest::RequestSums tally{.requests = 1, .errors = traffic::is_error(status) ? 1u : 0u};
    out_.paths.add(normalise_path(request.path, path_), tally);
    out_.agents.add(request.user_agent, tally);
    if (!request.user_id.empty()) out_.users.add(hash_bytes(request.user_id, 1));
    active_ = true;
    if (!traffic::meets_limits(request)) return;
    const auto reason = static_cast<std::size_t>(answer.decision.reason);
    if (answer.decision.outcome == limiter::Outcome::deny) {
      ++out_.outcomes.denied_by[reason];
    } else {
      ++out_.outcomes.allowed;
      if (answer.decision.outcome == limiter::Outcome::shadow_deny) {
        ++out_.outcomes.would_deny_by[reason];
      }
    }
  }

  void look(const engine::Engine& engine, Now now) {
    if (!active_) return;
    auto view = engine.client(out_.client, now);
    if (!view || !view->scanned || *view->scanned <= scanned_) return;
    active_ = false;
    scanned_ = *view->scanned;
    out_.threshold = view->threshold;
    if (!view->protected_reason.empty()) out_.protected_reason = view->protected_reason;
    const bool alarm = view->score > view->threshold;
    out_.looks.push_back({scanned_, view->score, alarm, view->evidence, view->figures.requests,
                          view->figures.errors});
    // The most telling moment: when the verdict came, before that the highest score.
    const bool judged = view->verdict.has_value();
    if (judged_ || (!judged && out_.oddest && view->score <= out_.oddest->score)) return;
    judged_ = judged;
    out_.oddest = std::move(view);
    out_.oddest_at = scanned_;
  }

 private:
  Explanation& out_;
  std::string path_;
  bool active_ = false;  // since the last look
  WallTime scanned_{};   // at that look
  bool judged_ = false;
};

Result<config::Config> config_of(const ExplainOptions& options) {
  if (options.config.empty()) return config::defaults();
  auto config = config::load(options.config);
  if (!config) return fail(Code::invalid_argument, config.error().message);
  return config;
}

/// Who could have been meant, where nobody of that name came.
std::string nobody(const std::string& asked, const ingest::TopCounter& clients) {
  std::string text = fmt::format("no request in the input comes from {}", printable(asked, 80));
  std::string busiest;
  for (const auto& entry : clients.top(5)) {
    busiest += (busiest.empty() ? "" : ", ") + printable(entry.key, 60);
  }
  return busiest.empty() ? text : text + "; the busiest clients there are " + busiest;
}

Result<Explanation> explain(const ExplainOptions& options) {
  auto config = config_of(options);
  if (!config) return tl::unexpected(config.error());
  auto models = models_for(*config, options.model);
  if (!models) return tl::unexpected(models.error());
  if (!models->bundle->anomaly) {
    return fail(Code::failed_precondition,
                fmt::format("{}: has no anomaly model; train one on access logs (ready windows "
                            "train the forecast alone)",
                            options.model));
  }
  auto input = Input::find(options.input);
  if (!input) return tl::unexpected(input.error());

  Explanation explanation;
  const std::string_view client = trim(options.client);
  explanation.client = parse_client(client).value_or(client_of(client));
  explanation.name = explanation.client.is_host_name() ? printable(options.client, 80)
                                                       : format_client(explanation.client);
  explanation.model = models->bundle->manifest.version;
  explanation.harm = models->bundle->anomaly->parts().harm;
  Follower follower(explanation);
  engine::ReplayOptions replay_options;
  replay_options.after_tick = [&](const engine::Engine& engine, Now now) {
    follower.look(engine, now);
  };
  engine::Replay replay(config->engine, models->bundle, replay_options);
  ingest::TopCounter clients(200);
  const auto reading =
      ReadingProgress(*input, "explaining").each([&](const traffic::Request& request) {
        const engine::Answer& answer = replay.add(request);
        clients.add(request.client_name, {.requests = 1});
        if (request.client == explanation.client) follower.take(request, answer);
      });
  if (!reading) return tl::unexpected(reading.error());
  print(reading_notes(*reading) + order_note(*reading), stderr);
  if (explanation.requests == 0) return fail(Code::not_found, nobody(options.client, clients));

  const engine::ReplayReport report = replay.finish();
  explanation.all_requests = reading->requests;
  for (const auto& span : report.verdicts) {
    if (span.record.client == explanation.client) explanation.verdicts.push_back(span);
  }
  return explanation;
}

int run(const ExplainOptions& options) {
  const auto explanation = explain(options);
  if (!explanation) return exit_with("explain", explanation.error());
  print(options.json ? explain_json(*explanation) : explain_text(*explanation), stdout);
  return kDone;
}

}  // namespace

void add_explain(Command app, int& status) {
  auto options = std::make_shared<ExplainOptions>();
  const auto command =
      app.add_subcommand("explain", "Why a client got its verdict, or none, from logs");
  add_input_options(command, options->input, Takes::requests);
  command.add_option("--model", options->model, "The trained models")
      .required()
      .type_name("BUNDLE");
  command
      .add_option("--client", options->client, "The client: an address, or a host name as logged")
      .required()
      .type_name("ADDR");
  command
      .add_option("--config", options->config,
                  "Whose rules judge; absent: the verdict rules of the documentation")
      .type_name("FILE");
  command.add_flag("--json", options->json, "Print one JSON object");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
