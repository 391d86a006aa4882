#include "serve/front.hpp"

#include <exception>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "serve/admin/calls.hpp"
#include "serve/gate/identity.hpp"
#include "serve/http/target.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::string_view kAuth = "/v1/auth";
constexpr std::string_view kCheck = "/v1/check";
constexpr std::string_view kReport = "/v1/report";

/// What follows /v1/auth, if this is that call: nothing, or the path that Envoy appends.
std::optional<std::string_view> auth_rest(std::string_view target) {
  if (!target.starts_with(kAuth)) return std::nullopt;
  const std::string_view rest = target.substr(kAuth.size());
  if (rest.empty() || rest.front() == '?') return std::string_view();
  if (rest.front() == '/') return rest;
  return std::nullopt;
}

/// Runs a call; what a library throws becomes an answer, never the end of the process.
Response guarded(const std::function<Response()>& work) {
  try {
    return work();
  } catch (const std::exception& fault) {
    spdlog::error("an admin call failed: {}", fault.what());
    return problem(500, "the call failed; the log says why");
  }
}

Response with_fields(Response response, std::string fields) {
  response.fields = std::move(fields);
  return response;
}

Response try_later(std::string_view why) {
  return with_fields(problem(503, why), "Retry-After: 1\r\n");
}
constexpr std::string_view kLaneFull = "too many calls of this kind wait already";
constexpr std::string_view kNoRoom = "too many bodies are kept already; send it again in a while";

}  // namespace

Front::Front(Roles roles, Gate& gate, FrontShared& shared)
    : roles_(roles), gate_(gate), shared_(shared), tokens_(shared.tokens) {}

std::size_t Front::body_limit(const Head& head) const {
  const std::string_view target = origin_form(head.target);
  const std::string_view path = path_of(target);
  if (roles_.gate) {
    if (path == kCheck || auth_rest(target)) return kMostCheckBody;
    if (path == kReport) return kMostReportBody;
  }
  return desk_body_limit(head.method, target);
}

std::optional<Response> Front::refuse_early(const Head& head, const Peer& peer) {
  const std::string_view target = origin_form(head.target);
  const std::string_view path = path_of(target);
  if (roles_.gate && auth_rest(target)) return gate_.refuse_auth(peer);
  if (roles_.gate && (path == kCheck || path == kReport)) return gate_.refuse_program(head, peer);
  if (path == "/healthz") return std::nullopt;
  auto permitted = permit(head, peer, target);
  if (permitted) return std::nullopt;
  return std::move(permitted.error());
}

bool Front::trusts(const Peer& peer) {
  return is_trusted(peer, gate_.settings());
}

Handling Front::handle(const Request& request, ResponseWriter& response) {
  const std::string_view target = origin_form(request.head.target);
  if (roles_.gate) {
    if (const auto rest = auth_rest(target)) {
      gate_.auth(request, *rest, response);
      return Handling::done;
    }
    const std::string_view path = path_of(target);
    if (path == kCheck) {
      gate_.check(request, response);
      return Handling::done;
    }
    if (path == kReport) return handle_report(request, response);
  }
  if (path_of(target) == "/healthz") {
    response.send({.body = "ok\n", .content_type = "text/plain; charset=utf-8"});
    return Handling::done;
  }
  return handle_desk(request, target, response);
}

/// Whether this gate is to be asked must be told however much else is asked of it.
Handling Front::handle_ready(ResponseWriter& response) {
  if (!planned_) planned_ = shared_.desk.engine.status() != nullptr;
  response.send(readiness(planned_, shared_.desk.stopping()));
  return Handling::done;
}

Handling Front::handle_report(const Request& request, ResponseWriter& response) {
  if (const auto refused = gate_.refuse_program(request.head, request.peer)) {
    response.send(*refused);
    return Handling::done;
  }
  if (request.head.method != "POST") {
    response.send(with_fields(problem(405, "this call takes POST"), "Allow: POST\r\n"));
    return Handling::done;
  }
  if (request.body.size() <= kLoopReportBody) {
    gate_.report(request, response);
    return Handling::done;
  }
  auto kept = keep_body(request);
  if (!kept) {
    response.send(try_later(kNoRoom));
    return Handling::done;
  }
  return run_on(shared_.admin_lane, request, response,
                [this, target = std::string(request.head.target), kept = std::move(kept),
                 now = request.now] { return shared_.report(target, kept->bytes, now); });
}

tl::expected<Front::Permitted, Response> Front::permit(const Head& head, const Peer& peer,
                                                       std::string_view target) {
  Permitted permitted;
  permitted.path = split_path(target);
  const auto route = find_route(head.method, permitted.path, target);
  if (!route) {
    const RouteFault& fault = route.error();
    return tl::unexpected(with_fields(refusal(permitted.path, fault.status, fault.detail),
                                      fault.allow.empty() ? "" : "Allow: " + fault.allow + "\r\n"));
  }
  permitted.route = *route;
  if ((route->role == Role::admin && !roles_.admin) ||
      (route->role == Role::metrics && !roles_.metrics)) {
    return tl::unexpected(refusal(permitted.path, 404,
                                  route->role == Role::admin
                                      ? "this call is answered on the address of listen.admin"
                                      : "this call is answered on the address of listen.metrics"));
  }
  if (const TokenTable* tokens = tokens_.get()) {
    const auto authorization = head.header("authorization");
    if (authorization) permitted.owner = tokens->owner(*authorization);
  }
  const bool needs_token =
      route->access == Access::guarded || (route->access == Access::read && !peer.loopback);
  if (needs_token && !permitted.owner) {
    return tl::unexpected(with_fields(
        refusal(permitted.path, 401,
                "this call needs the header `Authorization: Bearer TOKEN`; the token is in "
                "the file named by admin.token_file"),
        "WWW-Authenticate: Bearer realm=\"tidelimit\"\r\n"));
  }
  return permitted;
}

Handling Front::handle_desk(const Request& request, std::string_view target,
                            ResponseWriter& response) {
  auto permitted = permit(request.head, request.peer, target);
  if (!permitted) {
    response.send(permitted.error());
    return Handling::done;
  }
  if (permitted->route.handle == get_ready && !wants_verbose(target)) return handle_ready(response);
  auto kept = keep_body(request);
  if (!kept) {
    response.send(try_later(kNoRoom));
    return Handling::done;
  }
  const Route& route = permitted->route;
  DeskCall call{.method = std::string(request.head.method),
                .target = std::string(target),
                .path = std::move(permitted->path),
                .body = std::move(kept->bytes),
                .by = std::string(permitted->owner.value_or("")),
                .now = request.now};
  // `kept` goes along: its share of the budget lasts as long as the call.
  auto work = [this, handle = route.handle, call = std::move(call), kept = std::move(kept)] {
    return handle(shared_.desk, call);
  };
  if (SharedAnswer* const answer = shared_answer(route))
    return share(*answer, lane(route.lane), request, std::move(work));
  return run_on(lane(route.lane), request, response, std::move(work));
}

std::shared_ptr<HeldBody> Front::keep_body(const Request& request) const {
  auto kept = std::make_shared<HeldBody>(request.held != nullptr ? std::move(*request.held)
                                                                 : HeldBody(&shared_.bodies));
  if (request.held == nullptr) kept->bytes = request.body;
  return kept->count() ? kept : nullptr;
}

Handling Front::run_on(Lane& lane, const Request& request, ResponseWriter& response,
                       std::function<Response()> work) {
  const bool posted = lane.post([reply = request.later(), work = std::move(work)] {
    if (reply.wanted()) reply(guarded(work));
  });
  if (posted) return Handling::later;
  response.send(try_later(kLaneFull));
  return Handling::done;
}

SharedAnswer* Front::shared_answer(const Route& route) const {
  if (route.handle == get_metrics) return &shared_.metrics;
  if (route.handle == get_page) return &shared_.page;
  if (route.handle == get_ready) return &shared_.verbose_ready;
  return nullptr;
}

Handling Front::share(SharedAnswer& answer, Lane& lane, const Request& request,
                      std::function<Response()> work) {
  if (!answer.join(request.later())) return Handling::later;
  const bool posted =
      lane.post([&answer, work = std::move(work)] { answer.make([&] { return guarded(work); }); });
  if (!posted) answer.make([] { return try_later(kLaneFull); });
  return Handling::later;
}

Lane& Front::lane(LaneKind kind) const {
  switch (kind) {
    case LaneKind::orders:
      return shared_.order_lane;
    case LaneKind::status:
      return shared_.status_lane;
    case LaneKind::changes:
      return shared_.change_lane;
    case LaneKind::models:
      return shared_.model_lane;
    case LaneKind::admin:
      break;
  }
  return shared_.admin_lane;
}

}  // namespace tidelimit::serve
