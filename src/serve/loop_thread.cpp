#include "serve/loop_thread.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <pthread.h>

#include "serve/http/connection.hpp"

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
  servers_.push_back(std::make_unique<HttpServer>(loop_, buffers_, std::move(listening.socket),
                                                  *fronts_.back(), HttpLimits{}, quota_));
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
  });
}

void LoopThread::note_drained() {
  if (draining_ && std::all_of(servers_.begin(), servers_.end(),
                               [](const auto& server) { return server->empty(); }))
    drained_ = true;
}

void LoopThread::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

}  // namespace tidelimit::serve
