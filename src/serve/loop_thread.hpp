#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "serve/envoy/rate_limit_service.hpp"
#include "serve/front.hpp"
#include "serve/grpc/health.hpp"
#include "serve/grpc/service_table.hpp"
#include "serve/http/server.hpp"
#include "serve/http2/server.hpp"
#include "serve/syslog.hpp"

namespace tidelimit::serve {

/// A listening socket and what it answers.
struct Listening {
  Fd socket;
  Roles roles;
};

/// One event loop on its own thread with everything that is served on it. Other protocols join as
/// further sources of the same loop.
class LoopThread {
 public:
  LoopThread(engine::Engine& engine, const SettingsSlot& settings, const Clock& clock,
             FrontShared& shared, ConnectionQuota& quota);
  ~LoopThread();

  /// Before `start`.
  void serve_http(Listening listening);
  void serve_grpc(Fd socket, envoy::RateLimitShared& shared);
  void serve_syslog(Fd socket, SyslogCounts& counts);
  void start(unsigned number);

  /// From any thread: accepts no more and finishes what is under way.
  void drain();
  /// True once nothing is under way after drain().
  [[nodiscard]] bool drained() const { return drained_.load(); }
  void stop();

  [[nodiscard]] const LatencyHistogram& latency() const { return latency_; }
  [[nodiscard]] Unnamed unnamed() const { return gate_.unnamed(); }
  /// How this loop's gRPC calls ended.
  [[nodiscard]] std::vector<grpc::EndedCalls> grpc_calls() const {
    return grpc_ ? grpc_->ended() : std::vector<grpc::EndedCalls>();
  }

  /// What was refused in HTTP's own words, added to `counts`.
  void add_refusals(Wire wire, RefusalCounts::Counts& counts) const {
    if (wire == Wire::http) buffers_.refusals.add_to(counts);
    if (wire == Wire::grpc && grpc_) grpc_->refusals().add_to(counts);
  }
  /// Connections that ended because they brought too much of it.
  [[nodiscard]] std::uint64_t ended_for(Flood of) const { return grpc_ ? grpc_->ended_for(of) : 0; }

 private:
  void note_drained();
  void add_grpc_services(envoy::RateLimitShared& shared);

  FrontShared& shared_;
  ConnectionQuota& quota_;
  LatencyHistogram latency_;
  Loop loop_;
  LoopBuffers buffers_;
  Gate gate_;
  std::vector<std::unique_ptr<Front>> fronts_;
  std::vector<std::unique_ptr<HttpServer>> servers_;
  std::unique_ptr<grpc::ServiceTable> grpc_;
  grpc::HealthService* health_ = nullptr;  ///< one of grpc_'s
  std::unique_ptr<Http2Server> grpc_server_;
  std::unique_ptr<SyslogReceiver> syslog_;
  bool draining_ = false;
  std::atomic<bool> drained_{false};
  std::thread thread_;
};

}  // namespace tidelimit::serve
