#include "impact/live/callers.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <vector>

#include "base/text.hpp"
#include "impact/live/shop.hpp"
#include "serve/net/socket.hpp"

namespace tidelimit::impact {
namespace {

using Clock = Callers::Clock;
constexpr auto kPatience = std::chrono::seconds{10};
constexpr int kLongestWaitMs = 100;

double ms(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

/// The call as bytes. The gateway takes the address from X-Forwarded-For and the user from the key.
std::string as_http(const Arrival& arrival) {
  const std::string_view method = arrival.offer == kPayment ? "POST" : "GET";
  std::string out = fmt::format(
      "{} {} HTTP/1.1\r\nHost: shop\r\nUser-Agent: {}\r\nX-Forwarded-For: {}\r\n{}: {:.0f}\r\n{}: "
      "{}\r\n",
      method, arrival.path, arrival.user_agent, format_client(arrival.client), kServiceField,
      arrival.service_ms * 1e3, kStatusField, arrival.status);
  if (!arrival.user.empty()) out += fmt::format("X-Api-Key: {}\r\n", arrival.user);
  if (arrival.offer == kPayment) out += "Content-Length: 0\r\n";
  return out + "\r\n";
}

/// What an answer says, once it is whole.
struct Answer {
  int status = 0;
  std::string_view shop;  ///< the shop's own word; empty: the gateway answered
  bool close = false;
  std::size_t size = 0;  ///< all of its bytes
};

/// The value of a field, or "". `head` ends with its last CRLF.
std::string_view field_of(std::string_view head, std::string_view lower_name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos && at + 2 < head.size();) {
    const std::size_t line = at + 2;
    const std::size_t end = head.find("\r\n", line);
    const std::string_view field = head.substr(line, end - line);
    const std::size_t colon = field.find(':');
    if (colon == lower_name.size() &&
        std::equal(lower_name.begin(), lower_name.end(), field.begin(), [](char a, char b) {
          return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
        })) {
      std::string_view value = field.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      return value;
    }
    at = end;
  }
  return {};
}

std::optional<Answer> whole_answer(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.1 ")) return std::nullopt;
  const std::string_view head = bytes.substr(0, end + 2);
  Answer answer;
  answer.status = static_cast<int>(parse_uint(head.substr(9, 3)).value_or(0));
  answer.shop = field_of(head, kAnswerField);
  answer.close = field_of(head, "connection") == "close";
  answer.size = end + 4 + parse_uint(field_of(head, "content-length")).value_or(0);
  if (bytes.size() < answer.size) return std::nullopt;
  return answer;
}

/// A connection and the call that is under way on it.
struct Line {
  serve::Fd socket;
  bool busy = false;
  Arrival arrival;
  Clock::time_point due;
  std::string unsent;
  std::string received;
};

}  // namespace

struct Callers::Impl {
  std::uint16_t port;
  serve::Fd poll{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<std::unique_ptr<Line>> lines;
  std::vector<std::size_t> idle;  ///< the last used first: few connections do most
  std::size_t under_way = 0;
  Result result;
  std::vector<double> behind;
  Ledger* ledger = nullptr;

  std::size_t open_line();
  void begin(const Arrival& arrival, Clock::time_point due);
  void push(Line& line);
  void ready(std::size_t index, std::uint32_t events);
  void finish(std::size_t index, const Answer& answer);
  void fail(std::size_t index);
  void wait(Clock::time_point until);
};

std::size_t Callers::Impl::open_line() {
  std::size_t index = lines.size();
  for (std::size_t i = 0; i < lines.size() && index == lines.size(); ++i) {
    if (!lines[i]->socket) index = i;
  }
  if (index == lines.size()) lines.push_back(std::make_unique<Line>());
  Line& line = *lines[index];
  line = {};
  line.socket = serve::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(line.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)::connect(line.socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = index}};
  ::epoll_ctl(poll.get(), EPOLL_CTL_ADD, line.socket.get(), &event);
  return index;
}

void Callers::Impl::begin(const Arrival& arrival, Clock::time_point due) {
  ledger->asked(arrival);
  std::size_t index = 0;
  if (idle.empty()) {
    index = open_line();
  } else {
    index = idle.back();
    idle.pop_back();
  }
  Line& line = *lines[index];
  line.busy = true;
  line.arrival = arrival;
  line.due = due;
  line.unsent = as_http(arrival);
  line.received.clear();
  ++under_way;
  behind.push_back(ms(Clock::now() - due));
  push(line);
}

void Callers::Impl::push(Line& line) {
  while (!line.unsent.empty()) {
    const ssize_t n =
        ::send(line.socket.get(), line.unsent.data(), line.unsent.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // not connected yet, or full: EPOLLOUT says when to go on
    line.unsent.erase(0, static_cast<std::size_t>(n));
  }
}

void Callers::Impl::ready(std::size_t index, std::uint32_t events) {
  Line& line = *lines[index];
  if (!line.socket) return;
  if ((events & EPOLLOUT) != 0) push(line);
  std::array<char, 8192> piece;
  for (;;) {
    const ssize_t n = ::recv(line.socket.get(), piece.data(), piece.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) break;
    if (n <= 0) return fail(index);
    line.received.append(piece.data(), static_cast<std::size_t>(n));
  }
  if (!line.busy) return;
  if (const auto answer = whole_answer(line.received)) finish(index, *answer);
}

void Callers::Impl::finish(std::size_t index, const Answer& answer) {
  Line& line = *lines[index];
  if (answer.shop == kServed) {
    ledger->answered(line.arrival, ms(Clock::now() - line.due));
  } else if (answer.shop == kFull) {
    ledger->refused(line.arrival);
  } else if (answer.status == 429 || answer.status == 403 || answer.status == 503) {
    ledger->denied(line.arrival, limiter::Reason::over_limit);
  } else {
    ++result.failed;
    ledger->refused(line.arrival);
  }
  --under_way;
  line.busy = false;
  if (answer.close) {
    line.socket.close();
  } else {
    idle.push_back(index);
  }
}

/// The gateway closed the connection; a call that was on it has failed.
void Callers::Impl::fail(std::size_t index) {
  Line& line = *lines[index];
  line.socket.close();
  std::erase(idle, index);
  if (!line.busy) return;
  --under_way;
  line.busy = false;
  ++result.failed;
  ledger->refused(line.arrival);
}

void Callers::Impl::wait(Clock::time_point until) {
  const double left = std::clamp(ms(until - Clock::now()), 0.0, double(kLongestWaitMs));
  std::array<epoll_event, 128> events;
  const timespec timeout{0, static_cast<long>(left * 1e6) % 1'000'000'000};
  const int n =
      ::epoll_pwait2(poll.get(), events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  for (int i = 0; i < n; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    ready(event.data.u64, event.events);
  }
}

Callers::Callers(std::uint16_t port) : impl_(std::make_unique<Impl>()) {
  impl_->port = port;
}

Callers::~Callers() = default;

Callers::Result Callers::play(Traffic& traffic, Nanos from, int pace, Clock::time_point begin,
                              Ledger& ledger) {
  impl_->ledger = &ledger;
  Arrival arrival;
  bool more = traffic.next(arrival);
  auto patience = begin;
  while (more || (impl_->under_way > 0 && Clock::now() < patience)) {
    const auto due = begin + (arrival.at - from) / pace;
    if (more && Clock::now() >= due) {
      impl_->begin(arrival, due);
      patience = due + kPatience;
      more = traffic.next(arrival);
      continue;
    }
    impl_->wait(more ? due : patience);
  }
  for (const auto& line : impl_->lines) {
    if (line->busy) ledger.refused(line->arrival);
  }
  Result result = impl_->result;
  result.unanswered = impl_->under_way;
  result.failed += impl_->under_way;
  auto& behind = impl_->behind;
  if (!behind.empty()) {
    const auto at = behind.begin() + static_cast<std::ptrdiff_t>(behind.size() * 99 / 100);
    std::nth_element(behind.begin(), at, behind.end());
    result.behind_ms_p99 = *at;
  }
  return result;
}

}  // namespace tidelimit::impact
