#include "serve/open_load.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <random>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "serve/children.hpp"

namespace tidelimit::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

double ms(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

/// One kept connection with at most one request under way.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      give_up("can't connect to the server under test");
    }
  }
  Connection(Connection&& other) noexcept
      : due(other.due), socket_(std::exchange(other.socket_, -1)) {}
  ~Connection() {
    if (socket_ >= 0) ::close(socket_);
  }

  void send(const std::string& request) {
    answer_.clear();
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
      give_up("the server under test takes no request");
    }
  }

  /// Reads what is there; true once the answer is whole.
  bool receive() {
    std::array<char, 4096> piece;
    const ssize_t n = ::recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) give_up("the server under test closed a connection");
    answer_.append(piece.data(), static_cast<std::size_t>(n));
    const std::size_t head = answer_.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    if (answer_.compare(0, 12, "HTTP/1.1 200") != 0) {
      give_up("the open load got another answer than 200: " + answer_.substr(0, 80));
    }
    return answer_.size() >= head + 4 + body_size(std::string_view(answer_).substr(0, head + 2));
  }

  [[nodiscard]] int socket() const { return socket_; }
  Clock::time_point due;

 private:
  static std::size_t body_size(std::string_view head) {
    for (const std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
      const std::size_t at = head.find(name);
      if (at == std::string_view::npos) continue;
      return std::strtoul(head.data() + at + name.size(), nullptr, 10);
    }
    return 0;
  }

  int socket_;
  std::string answer_;
};

/// Connections, their readiness, and the requests that wait for one.
class Loop {
 public:
  explicit Loop(const OpenLoad& load) : load_(load), poll_(::epoll_create1(0)) {
    connections_.reserve(static_cast<std::size_t>(load.connections));
    for (int i = 0; i < load.connections; ++i) {
      idle_.push_back(connections_.size());
      epoll_event event{.events = EPOLLIN, .data = {.u64 = connections_.size()}};
      connections_.emplace_back(load.port);
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, connections_.back().socket(), &event);
    }
  }
  ~Loop() { ::close(poll_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  OpenLoadTimes run() {
    std::mt19937_64 random(1);
    std::exponential_distribution<double> gap(load_.rate);
    const auto begin = Clock::now();
    counted_from_ = begin + std::chrono::duration_cast<Clock::duration>(Seconds(load_.warm_up));
    const auto end =
        counted_from_ + std::chrono::duration_cast<Clock::duration>(Seconds(load_.seconds));
    for (auto due = begin; due < end;) {
      for (const auto now = Clock::now(); due <= now && due < end;) {
        waiting_.push_back(due);
        if (due >= counted_from_) times_.behind_ms.push_back(ms(now - due));
        due += std::chrono::duration_cast<Clock::duration>(Seconds(gap(random)));
      }
      send_waiting();
      take_answers();
    }
    const auto patience = Clock::now() + std::chrono::seconds{60};
    while (!waiting_.empty() || idle_.size() < connections_.size()) {
      if (Clock::now() > patience)
        give_up(fmt::format("60 s after the load {} requests were unanswered and {} not even sent",
                            connections_.size() - idle_.size(), waiting_.size()));
      send_waiting();
      take_answers();
    }
    return std::move(times_);
  }

 private:
  void send_waiting() {
    while (!waiting_.empty() && !idle_.empty()) {
      Connection& connection = connections_[idle_.front()];
      idle_.pop_front();
      connection.due = waiting_.front();
      waiting_.pop_front();
      connection.send(load_.request);
    }
  }

  void take_answers() {
    std::array<epoll_event, 64> ready;
    const int n = ::epoll_wait(poll_, ready.data(), static_cast<int>(ready.size()), 0);
    for (int i = 0; i < n; ++i) {
      const auto index = ready[static_cast<std::size_t>(i)].data.u64;
      Connection& connection = connections_[index];
      if (!connection.receive()) continue;
      if (connection.due >= counted_from_) {
        times_.answer_ms.push_back(ms(Clock::now() - connection.due));
      }
      idle_.push_back(index);
    }
  }

  const OpenLoad& load_;
  int poll_;
  std::vector<Connection> connections_;
  std::deque<std::size_t> idle_;  ///< the longest idle first: all take part
  std::deque<Clock::time_point> waiting_;
  Clock::time_point counted_from_;
  OpenLoadTimes times_;
};

}  // namespace

OpenLoadTimes run(const OpenLoad& load) {
  const OnCore pinned(load.core);
  return Loop(load).run();
}

double quantile(std::vector<double> values, double part) {
  if (values.empty()) give_up("the open load measured nothing");
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(values.size()) * part);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace tidelimit::bench
