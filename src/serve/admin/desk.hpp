#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.hpp"
#include "serve/gate/settings.hpp"
#include "serve/http/response.hpp"

namespace tidelimit::serve {

/// Which thread a call may keep waiting.
enum class LaneKind : std::uint8_t {
  orders,   ///< as status, for changes with a token: no flood of reads keeps them waiting
  status,   ///< never waits for the control plane or the disk: works while both hang
  changes,  ///< as admin, for what people set by hand: it waits behind no long reading
  admin,    ///< takes the control mutex, reads or writes the store
  models,   ///< computes
};

/// Who may make a call.
enum class Access : std::uint8_t {
  open,     ///< anyone who reaches the listener
  read,     ///< on loopback anyone, else with a token
  guarded,  ///< with a token: names clients or users, or changes something
};

/// Which listener a call belongs to, where `admin` or `metrics` have addresses of their own.
enum class Role : std::uint8_t { any, admin, metrics };

/// One call of the desk, its strings owned: it runs on another thread.
struct DeskCall {
  std::string method;
  std::string target;             ///< in origin form, query included
  std::vector<std::string> path;  ///< decoded segments: {"v1", "overrides", "user", "7"}
  std::string body;
  std::string by;  ///< the name of the token
  Now now;
};

/// What the desk works with.
struct DeskContext {
  engine::Engine& engine;
  const SettingsSlot& settings;
  std::function<std::string()> metrics;                ///< the text of /metrics
  std::function<std::vector<std::string>()> degraded;  ///< beside what the engine's status says
  /// Why the last reading of the configuration was refused; empty: it was not.
  std::function<std::string()> refusal;
  std::function<bool()> stopping;
  std::function<std::optional<WallTime>()> next_retraining;   ///< by schedule; empty: none
  std::function<std::optional<WallTime>()> retraining_since;  ///< empty: none runs
  std::function<void()> reload;  ///< reads the configuration anew, soon
};

struct Route {
  LaneKind lane = LaneKind::status;
  Access access = Access::open;
  Role role = Role::any;
  Response (*handle)(const DeskContext&, const DeskCall&) = nullptr;
  /// The query parameters there are, with spaces between; "*": any, and those that mean nothing are
  /// passed over.
  std::string_view parameters = "";
};

struct RouteFault {
  int status = 404;
  std::string detail;
  std::string allow;  ///< the methods there are, for 405
};

/// The answer to a call that goes no further: a problem document, but under /v1/models/NAME an
/// error as TensorFlow Serving gives it.
[[nodiscard]] Response refusal(const std::vector<std::string>& path, int status,
                               const std::string& detail);

/// The calls beside check, auth and report. The largest body any of them takes is kMostDeskBody.
inline constexpr std::size_t kMostDeskBody = 16 << 20;
[[nodiscard]] tl::expected<Route, RouteFault> find_route(std::string_view method,
                                                         const std::vector<std::string>& path,
                                                         std::string_view target);
/// The largest body of a call; where there is no such call, that of most.
[[nodiscard]] std::size_t desk_body_limit(std::string_view method, std::string_view target);

[[nodiscard]] std::vector<std::string> split_path(std::string_view target);

}  // namespace tidelimit::serve
