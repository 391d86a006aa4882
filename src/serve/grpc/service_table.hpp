#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/grpc/call_counts.hpp"
#include "serve/grpc/service.hpp"
#include "serve/http/refusal_counts.hpp"
#include "serve/http2/exchange.hpp"

namespace tidelimit::serve::grpc {

class ServerCall;

/// The services of one loop: finds a call's method by its path, and keeps calls that have ended for
/// the next ones.
class ServiceTable final : public Application {
 public:
  /// Whether a caller is one of identity.trusted_proxies; others may call services that are open to
  /// all only.
  using Trusts = std::function<bool(const Peer&)>;

  explicit ServiceTable(Trusts trusts);
  ~ServiceTable() override;

  /// Before the first call. Names are unique.
  void add(std::unique_ptr<Service> service);
  [[nodiscard]] std::vector<std::string_view> names() const;

  struct Route {
    Service* service = nullptr;
    Method method;
    CallCounts* ended = nullptr;  ///< never null in an answer of `find`
  };
  /// "/package.Service/Method"; null `service` when there is none, with `missing` saying what.
  [[nodiscard]] Route find(std::string_view path, std::string& missing);
  /// Where calls count that name no method.
  [[nodiscard]] CallCounts& unrouted() { return unrouted_; }
  /// How calls ended, where any did. From any thread.
  [[nodiscard]] std::vector<EndedCalls> ended() const;
  /// Requests that are no gRPC calls and were answered by HTTP's status. Read from any thread.
  [[nodiscard]] RefusalCounts& refusals() { return refusals_; }
  [[nodiscard]] const RefusalCounts& refusals() const { return refusals_; }
  /// Connections that ended for it. From any thread.
  [[nodiscard]] std::uint64_t ended_for(Flood of) const {
    return floods_[static_cast<std::size_t>(of)].load(std::memory_order_relaxed);
  }

  [[nodiscard]] Exchange& begin(Http2Session& session, std::int32_t stream) override;
  void end(Exchange& exchange) override;
  [[nodiscard]] bool trusts(const Peer& peer) override { return trusts_(peer); }
  void note_flood(Flood of) override { ++floods_[static_cast<std::size_t>(of)]; }

 private:
  /// Where a path leads.
  struct Row {
    Service* service;
    Method method;
    CallCounts ended;
    Row(Service* of, const Method& which) : service(of), method(which) {}
  };

  const Trusts trusts_;
  std::vector<std::unique_ptr<Service>> services_;
  std::deque<Row> rows_;  ///< of all methods
  CallCounts unrouted_;
  RefusalCounts refusals_;
  std::array<std::atomic<std::uint64_t>, kFloods> floods_{};
  std::vector<std::unique_ptr<ServerCall>> free_;
};

}  // namespace tidelimit::serve::grpc
