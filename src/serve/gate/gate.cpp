#include "serve/gate/gate.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/text.hpp"
#include "limiter/nominal.hpp"
#include "serve/gate/denial.hpp"
#include "serve/gate/foreign_page.hpp"
#include "serve/gate/identity.hpp"
#include "serve/gate/parameters.hpp"
#include "serve/http/target.hpp"

namespace tidelimit::serve {
namespace {

using limiter::Decision;

constexpr std::size_t kLongestIgnored = 64;

/// The status that the caller wants for denials; 0: the denial's own. nginx's auth_request takes
/// 403 alone for a refusal and finds the other in X-Tidelimit-Status. Any other word is none to us:
/// Caddy and Envoy pass on the query of the request that they ask about.
int wanted_status(const Head& head) {
  const auto value = query_value(head.target, "deny").value_or("");
  if (value == "403") return 403;
  if (value == "429") return 429;
  if (value == "503") return 503;
  return 0;
}

void append_or_null(std::string& json, const std::string* text) {
  if (text == nullptr) {
    json += "null";
  } else {
    append_json_string(json, *text);
  }
}

/// {"allowed":true,"reason":"ok",…}, as docs/api.md tells. `ignored`: what of the call was not
/// read; empty: nothing.
void append_check_answer(std::string& json, const engine::Answer& answer,
                         std::string_view ignored) {
  const Decision& decision = answer.decision;
  const bool limited = !decision.limit.unlimited();
  json += decision.allowed ? R"({"allowed":true,"reason":")" : R"({"allowed":false,"reason":")";
  json += limiter::to_string(decision.reason);
  json += R"(","endpoint":)";
  append_or_null(json, answer.endpoint);
  json += R"(,"tier":)";
  append_or_null(json, answer.tier);
  json += R"(,"limit_per_minute":)";
  if (limited) {
    append_json_number(json, limiter::nominal_per_minute(decision.limit));
  } else {
    json += "null";
  }
  json += R"(,"remaining":)";
  if (limited) {
    append_number(json, decision.remaining);
  } else {
    json += "null";
  }
  if (decision.in_flight_limit != 0) {
    json += R"(,"in_flight":)";
    append_number(json, decision.in_flight);
    json += R"(,"in_flight_limit":)";
    append_number(json, decision.in_flight_limit);
  }
  json += R"(,"retry_after_ms":)";
  // Rounded up: a caller that waits exactly so long passes.
  const std::int64_t wait = decision.retry_after.count();
  if (decision.retry_after > limiter::kLongestWait) {
    json += "null";
  } else {
    append_number(json, wait <= 0 ? 0 : static_cast<std::uint64_t>((wait - 1) / 1'000'000 + 1));
  }
  json += R"(,"rule":)";
  append_or_null(json, answer.rule);
  json += R"(,"verdict":")";
  json += limiter::to_string(decision.verdict);
  json += R"(","decision":)";
  if (answer.decision_id != 0) {
    append_json_string(json, engine::format_decision_id(answer.decision_id));
  } else {
    json += "null";
  }
  if (!ignored.empty()) {
    json += R"(,"ignored":)";
    append_json_string(json, printable(ignored, kLongestIgnored));
  }
  json += "}\n";
}

}  // namespace

Gate::Gate(engine::Engine& engine, const SettingsSlot& settings, LatencyHistogram& latency,
           const Clock& clock)
    : engine_(engine),
      settings_(settings),
      worker_(engine.make_worker()),
      latency_(latency),
      clock_(clock) {}

/// Timing every decision would cost more than a decision: the first of a turn is timed and stands
/// for the others of that turn.
template <class Decide>
auto Gate::timed(Decide&& decide) {
  if (turn_count_++ > 0) return decide();
  const Instant begin = clock_.mono();
  auto said = decide();
  turn_sample_ = clock_.mono() - begin;
  return said;
}

engine::Answer Gate::decide(const traffic::Request& request, limiter::Hits hits, const Now& now) {
  return timed([&] { return worker_->decide(request, hits, now); });
}

bool Gate::decide_all(std::span<const engine::EngineWorker::Asked> asked, const Now& now,
                      std::span<engine::Answer> answers) {
  return timed([&] { return worker_->decide_all(asked, now, answers); });
}

bool Gate::charge_all(std::span<const limiter::LooseLimit> limits, std::uint64_t epoch, Instant now,
                      std::span<limiter::LooseAnswer> answers) {
  return timed([&] {
    return limiter::charge_all(engine_.limiter().buckets(), limits, epoch, now, answers);
  });
}

const limiter::Limiter& Gate::limiter() const {
  return engine_.limiter();
}

void Gate::end_turn() {
  if (turn_count_ == 0) return;
  latency_.add(turn_sample_, turn_count_);
  turn_count_ = 0;
}

limiter::Mode Gate::mode() const {
  return engine_.limiter().mode.all.load(std::memory_order_relaxed);
}

void Gate::auth(const Request& request, std::string_view rest, ResponseWriter& response) {
  if (const auto refused = refuse_auth(request.peer)) {
    response.send(*refused);
    return;
  }
  const FrontSettings& settings = this->settings();  // holds until it is asked for again
  // With a path behind it the query is that of the request, and no word to us.
  const int wanted = rest.empty() ? wanted_status(request.head) : 0;
  const ForwardedCall call = read_forwarded(request, rest, settings);
  if (!call.names_client) clients_unnamed_.fetch_add(1, std::memory_order_relaxed);
  if (!call.names_route) routes_unnamed_.fetch_add(1, std::memory_order_relaxed);
  const engine::Answer answer = call.other_count != 0 ? decide_routes(call, request.now)
                                                      : decide(call.request, 1, request.now);
  if (request.caller_gone && answer.decision.allowed) give_back(call, request.now);
  if (!answer.decision.allowed) {
    deny(answer, wanted, settings, response);
    return;
  }
  response.begin(200);
  if (shows_rates(answer, mode())) append_rate_fields(response.lines(), answer, settings);
  response.finish_empty();
}

engine::Answer Gate::decide_routes(const ForwardedCall& call, const Now& now) {
  std::array<engine::EngineWorker::Asked, 1 + ForwardedCall::kMostOthers> asked;
  std::array<engine::Answer, asked.size()> answers;
  const std::size_t count = 1 + call.other_count;
  for (std::size_t i = 0; i < count; ++i) {
    asked[i].request = call.request;
    if (i == 0) continue;
    asked[i].request.path = call.others[i - 1].path;
    asked[i].request.method = call.others[i - 1].method;
  }
  const bool passed = decide_all(std::span(asked).first(count), now, answers);
  if (passed) return answers[count - 1];
  return *std::find_if(answers.begin(), answers.begin() + static_cast<std::ptrdiff_t>(count - 1),
                       [](const engine::Answer& answer) { return !answer.decision.allowed; });
}

void Gate::give_back(const ForwardedCall& call, const Now& now) {
  traffic::Request request = call.request;
  request.latency_ms = 0;  // it began now
  worker_->end(request, now);
  for (std::size_t i = 0; i < call.other_count; ++i) {
    request.path = call.others[i].path;
    request.method = call.others[i].method;
    worker_->end(request, now);
  }
}

void Gate::deny(const engine::Answer& answer, int wanted_status, const FrontSettings& settings,
                ResponseWriter& response) {
  const Denial denial = describe(answer.decision.reason, settings.config.deny_status);
  response.begin(wanted_status != 0 ? wanted_status : denial.status);
  std::string& lines = response.lines();
  lines.append("X-Tidelimit-Status: ");
  append_number(lines, static_cast<std::uint64_t>(denial.status));
  // A gateway that drops the body (nginx) can still say why.
  lines.append("\r\nX-Tidelimit-Reason: ");
  lines.append(limiter::to_string(answer.decision.reason));
  lines.append("\r\nRetry-After: ");
  append_number(lines, retry_after_seconds(answer.decision.retry_after));
  lines.append("\r\n");
  append_rate_fields(lines, answer, settings);
  if (answer.decision_id != 0)
    response.field("X-Tidelimit-Decision", engine::format_decision_id(answer.decision_id));
  response.finish("application/problem+json", denial_document(answer, denial, settings));
}

std::optional<Response> Gate::refuse_auth(const Peer& peer) {
  if (is_trusted(peer, settings())) return std::nullopt;
  return problem(403, "this caller is not one of identity.trusted_proxies");
}

std::optional<Response> Gate::refuse_program(const Head& head, const Peer& peer) {
  auto refused = refuse_auth(peer);
  if (!refused && is_from_foreign_page(head))
    refused = problem(403,
                      "this call is for programs: by its Origin or Sec-Fetch-Site a web page that "
                      "is not this gate's has a browser make it");
  return refused;
}

void Gate::check(const Request& request, ResponseWriter& response) {
  if (const auto refused = refuse_program(request.head, request.peer)) {
    response.send(*refused);
    return;
  }
  if (request.head.method != "POST") {
    Response refused = problem(405, "this call takes POST");
    refused.fields = "Allow: POST\r\n";
    response.send(refused);
    return;
  }
  const auto call = bodies_.check(request.body);
  if (!call) {
    response.send(problem(400, call.error().message));
    return;
  }
  json_.clear();
  if (!call->ignored.empty()) fields_ignored_.fetch_add(1, std::memory_order_relaxed);
  append_check_answer(json_, decide(call->request, call->hits, request.now), call->ignored);
  response.begin(200);
  response.finish("application/json", json_);
}

void Gate::report(const Request& request, ResponseWriter& response) {
  response.send(
      take_report(bodies_, *worker_, settings(), request.head.target, request.body, request.now));
}

Whose whose_answer(const traffic::Request& seen, int deny_status) {
  if (seen.own_denial) return *seen.own_denial ? Whose::own : Whose::service;
  if (seen.status == 429) return Whose::own;
  return seen.status == deny_status ? Whose::unknown : Whose::service;
}

bool ends_request(const traffic::Request& seen, Whose whose) {
  return whose == Whose::service && seen.status != traffic::kHungUp;
}

void take_response(engine::EngineWorker& worker, const traffic::Request& seen,
                   engine::ReportKind counting, const FrontSettings& settings, const Now& now) {
  const Whose whose = whose_answer(seen, settings.config.deny_status);
  traffic::Request request = seen;
  if (whose == Whose::unknown) request.status = 0;  // what the service answered is not known
  if (counting == engine::ReportKind::already_decided && !traffic::meets_limits(seen))
    counting = engine::ReportKind::never_asked;
  const auto prepared = worker.prepare(request, 1);
  worker.observe(request, prepared, counting, whose == Whose::own, now);
  if (counting == engine::ReportKind::already_decided && seen.asked != traffic::Asked::unanswered &&
      ends_request(request, whose))
    worker.end(request, prepared, now);
}

Response take_report(BodyReader& bodies, engine::EngineWorker& worker,
                     const FrontSettings& settings, std::string_view target, std::string_view body,
                     const Now& now) {
  if (const auto unknown = unknown_parameter(target, "observe_only"); !unknown.empty())
    return problem(400, unknown);
  const auto source = query_value(target, "observe_only");
  const bool observe_only = source && *source != "false" && *source != "0";
  const auto counting =
      observe_only ? engine::ReportKind::observe_only : engine::ReportKind::already_decided;
  const auto reported = bodies.report(body, now.wall);
  if (!reported) return problem(400, reported.error().message);
  for (const traffic::Request& seen : **reported)
    take_response(worker, seen, counting, settings, now);
  return {.body = fmt::format("{{\"accepted\":{}}}\n", (*reported)->size())};
}

}  // namespace tidelimit::serve
