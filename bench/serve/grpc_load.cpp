#include "serve/grpc_load.hpp"

#include <array>
#include <deque>
#include <fmt/format.h>
#include <random>
#include <sys/epoll.h>
#include <unistd.h>

#include "serve/children.hpp"
#include "serve/grpc_connection.hpp"

namespace tidelimit::bench {
namespace {

using Clock = GrpcConnection::Clock;

Clock::duration seconds(double n) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(n));
}

double ms(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

/// Connections, their readiness, and the calls that wait for one.
class Loop {
 public:
  explicit Loop(const GrpcLoad& load)
      : load_(load), poll_(::epoll_create1(EPOLL_CLOEXEC)), next_key_(load.first_key) {
    for (int i = 0; i < load.connections; ++i) {
      epoll_event event{.events = EPOLLIN, .data = {.u64 = connections_.size()}};
      connections_.emplace_back(load_, next_key_);
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, connections_.back().socket(), &event);
    }
  }
  ~Loop() { ::close(poll_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  GrpcLoadTimes run() {
    const auto begin = Clock::now();
    counted_from_ = begin + seconds(load_.warm_up);
    end_ = counted_from_ + seconds(load_.seconds);
    next_due_ = begin;
    for (auto now = begin; now < end_; now = Clock::now()) {
      load_.rate > 0 ? make_due(now) : keep_full(now);
      take_answers();
    }
    finish();
    done_.rate = static_cast<double>(counted_) / load_.seconds;
    return std::move(done_);
  }

 private:
  void keep_full(Clock::time_point now) {
    for (GrpcConnection& connection : connections_)
      while (connection.has_room()) connection.begin(now);
    flush();
  }

  void make_due(Clock::time_point now) {
    for (; next_due_ <= now && next_due_ < end_; next_due_ += seconds(gap_(random_))) {
      waiting_.push_back(next_due_);
      if (next_due_ >= counted_from_) done_.times.behind_ms.push_back(ms(now - next_due_));
    }
    send_waiting();
  }

  /// In turn over the connections, so that all take part.
  void send_waiting() {
    std::size_t full = 0;
    while (!waiting_.empty() && full < connections_.size()) {
      GrpcConnection& connection = connections_[turn_++ % connections_.size()];
      if (!connection.has_room()) {
        ++full;
        continue;
      }
      full = 0;
      connection.begin(waiting_.front());
      waiting_.pop_front();
    }
    flush();
  }

  void flush() {
    for (GrpcConnection& connection : connections_) connection.flush();
  }

  void take_answers() {
    std::array<epoll_event, 64> ready;
    const int n = ::epoll_wait(poll_, ready.data(), static_cast<int>(ready.size()), 0);
    const auto now = Clock::now();
    for (int i = 0; i < n; ++i) {
      connections_[ready[static_cast<std::size_t>(i)].data.u64].receive([&](Clock::time_point due) {
        ++done_.calls;
        if (now >= counted_from_ && now < end_) ++counted_;
        if (due >= counted_from_) done_.times.answer_ms.push_back(ms(now - due));
      });
    }
  }

  void finish() {
    const auto patience = Clock::now() + std::chrono::seconds{60};
    const auto open = [&] {
      std::size_t count = waiting_.size();
      for (const auto& connection : connections_)
        count += static_cast<std::size_t>(connection.under_way());
      return count;
    };
    while (open() != 0) {
      if (Clock::now() > patience)
        give_up(fmt::format("60 s after the load {} calls were not answered", open()));
      send_waiting();
      take_answers();
    }
  }

  const GrpcLoad& load_;
  int poll_;
  std::uint64_t next_key_;
  std::deque<GrpcConnection> connections_;  // they never move
  std::size_t turn_ = 0;
  std::mt19937_64 random_{1};
  std::exponential_distribution<double> gap_{load_.rate > 0 ? load_.rate : 1};
  std::deque<Clock::time_point> waiting_;
  Clock::time_point counted_from_, end_, next_due_;
  std::uint64_t counted_ = 0;
  GrpcLoadTimes done_;
};

}  // namespace

GrpcLoadTimes run(const GrpcLoad& load) {
  const OnCore pinned(load.core);
  return Loop(load).run();
}

}  // namespace tidelimit::bench
