#include "serve/loop_thread.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <pthread.h>

#include "serve/gate/identity.hpp"
#include "serve/http/connection.hpp"
#include "serve/http2/connection.hpp"

namespace tidelimit::serve {

LoopThread::LoopThread(engine::Engine& engine, const SettingsSlot& settings, const Clock& clock,
                       FrontShared& shared, ConnectionQuota& quota)
    : shared_(shared), quota_(quota), loop_(clock), gate_(engine, settings, latency_, clock) {
  loop_.after_turn([this] {
    gate_.end_turn();
    note_drained();
  });
  loop_.every_second([this] { note_drained(); });
}

LoopThread::~LoopThread() {
  stop();
}

void LoopThread::serve_http(Listening listening) {
  fronts_.push_back(std::make_unique<Front>(listening.roles, gate_, shared_));
  servers_.push_back(std::make_unique<HttpServer>(
      loop_, buffers_, std::move(listening.socket), *fronts_.back(),
      HttpLimits{.bodies = &shared_.bodies, .unsent = {.budget = &shared_.unsent}}, quota_));
}

void LoopThread::serve_grpc(Fd socket, envoy::RateLimitShared& shared) {
  grpc_ = std::make_unique<grpc::ServiceTable>(
      [this](const Peer& peer) { return is_trusted(peer, gate_.settings()); });
  add_grpc_services(shared);
  grpc_server_ =
      std::make_unique<Http2Server>(loop_, buffers_, std::move(socket), *grpc_,
                                    Http2Limits{.unsent = {.budget = &shared_.unsent}}, quota_);
}

void LoopThread::add_grpc_services(envoy::RateLimitShared& shared) {
  grpc_->add(std::make_unique<envoy::RateLimitService>(gate_, shared));
  // The health service comes last: it answers for those before it.
  const auto names = grpc_->names();
  auto health =
      std::make_unique<grpc::HealthService>(std::vector<std::string>(names.begin(), names.end()));
  health_ = health.get();
  grpc_->add(std::move(health));
}

void LoopThread::serve_syslog(Fd socket, SyslogCounts& counts) {
  syslog_ = std::make_unique<SyslogReceiver>(loop_, std::move(socket), gate_, counts);
}

void LoopThread::start(unsigned number) {
  thread_ = std::thread([this] { loop_.run(); });
  (void)pthread_setname_np(thread_.native_handle(), fmt::format("loop-{}", number).c_str());
}

void LoopThread::drain() {
  loop_.post([this] {
    draining_ = true;
    for (const auto& server : servers_) server->drain();
    if (!grpc_server_) return;
    health_->stop_serving();
    grpc_server_->drain();
  });
}

void LoopThread::note_drained() {
  if (draining_ && (!grpc_server_ || grpc_server_->empty()) &&
      std::all_of(servers_.begin(), servers_.end(),
                  [](const auto& server) { return server->empty(); }))
    drained_ = true;
}

void LoopThread::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

}  // namespace tidelimit::serve
