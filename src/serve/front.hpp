#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "serve/admin/desk.hpp"
#include "serve/admin/tokens.hpp"
#include "serve/gate/gate.hpp"
#include "serve/http/shared_answer.hpp"
#include "serve/net/lane.hpp"

namespace tidelimit::serve {

/// What a listener answers.
struct Roles {
  bool gate = false;     ///< check, auth, report
  bool admin = false;    ///< the other calls
  bool metrics = false;  ///< /metrics
};

/// What the fronts of all loops share. Thread-safe.
struct FrontShared {
  DeskContext& desk;
  const TokenSlot& tokens;
  ByteBudget& bodies;
  ByteBudget& unsent;
  Lane& order_lane;
  Lane& status_lane;
  Lane& change_lane;
  Lane& admin_lane;
  Lane& model_lane;
  /// Reads a large report with a worker of its own; on the admin lane only.
  std::function<Response(const std::string& target, std::string& body, const Now& now)> report;
  // Of calls that anyone may make, as often as they like.
  SharedAnswer metrics = {};
  SharedAnswer page = {};
  SharedAnswer verbose_ready = {};
};

/// The routes of one listener on one loop: the gate's calls are answered in the loop, all others on
/// the lane that may wait for them.
class Front final : public Handler {
 public:
  Front(Roles roles, Gate& gate, FrontShared& shared);

  [[nodiscard]] std::size_t body_limit(const Head& head) const override;
  [[nodiscard]] std::optional<Response> refuse_early(const Head& head, const Peer& peer) override;
  [[nodiscard]] Handling handle(const Request& request, ResponseWriter& response) override;
  [[nodiscard]] bool trusts(const Peer& peer) override;

 private:
  /// A call of the desk that its caller may make.
  struct Permitted {
    Route route;
    std::vector<std::string> path;
    std::optional<std::string_view> owner;  ///< of the token; holds until the next request
  };
  [[nodiscard]] tl::expected<Permitted, Response> permit(const Head& head, const Peer& peer,
                                                         std::string_view target);
  [[nodiscard]] Handling handle_ready(ResponseWriter& response);
  [[nodiscard]] Handling handle_report(const Request& request, ResponseWriter& response);
  [[nodiscard]] Handling handle_desk(const Request& request, std::string_view target,
                                     ResponseWriter& response);
  [[nodiscard]] Handling run_on(Lane& lane, const Request& request, ResponseWriter& response,
                                std::function<Response()> work);
  [[nodiscard]] Handling share(SharedAnswer& answer, Lane& lane, const Request& request,
                               std::function<Response()> work);
  [[nodiscard]] SharedAnswer* shared_answer(const Route& route) const;
  [[nodiscard]] std::shared_ptr<HeldBody> keep_body(const Request& request) const;
  [[nodiscard]] Lane& lane(LaneKind kind) const;

  const Roles roles_;
  Gate& gate_;
  FrontShared& shared_;
  limiter::SnapshotReader<TokenTable> tokens_;
  bool planned_ = false;  ///< the first plan stands; that never ends
};

}  // namespace tidelimit::serve
