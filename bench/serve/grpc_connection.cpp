#include "serve/grpc_connection.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/children.hpp"

namespace tidelimit::bench {
namespace {

enum FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
};
constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;
constexpr std::size_t kFrameHead = 9;
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::int64_t kUpdateEvery = 1 << 20;
constexpr std::uint32_t kWideWindow = 0x4000'0000;
constexpr std::uint16_t kHeaderTableSize = 1;

std::string word(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

std::uint32_t word_at(std::string_view bytes, std::size_t at) {
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(bytes[at + i]);
  return n;
}

std::string literal(std::string_view text) {
  return std::string(1, static_cast<char>(text.size())) + std::string(text);
}

/// The header block of the first request, which fills the peer's table (RFC 7541), and of all after
/// it, which refer to that.
std::string first_block(std::string_view path) {
  return "\x83\x86\x44" + literal(path) + "\x41" + literal("127.0.0.1") + "\x5f" +
         literal("application/grpc") + "\x40" + literal("te") + literal("trailers");
}
constexpr std::string_view kNextBlock = "\x83\x86\xc1\xc0\xbf\xbe";

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    give_up("can't connect to the server under test");
  return fd;
}

}  // namespace

GrpcConnection::GrpcConnection(const GrpcLoad& load, std::uint64_t& next_key)
    : load_(load), next_key_(next_key), socket_(connect_to(load.port)), calls_(kCalls) {
  frame_ =
      std::string(1, '\0') + word(static_cast<std::uint32_t>(load.message.size())) + load.message;
  out_ = kPreface;
  put_frame(kSettings, 0, 0, {});
  put_frame(kWindowUpdate, 0, 0, word(kWideWindow));
}

GrpcConnection::~GrpcConnection() {
  ::close(socket_);
}

bool GrpcConnection::has_room() const {
  return under_way_ < load_.streams && send_window_ >= static_cast<std::int64_t>(frame_.size());
}

void GrpcConnection::begin(Clock::time_point due) {
  const std::uint32_t stream = next_stream_;
  next_stream_ += 2;
  Call& call = calls_[stream / 2 % kCalls];
  if (call.stream != 0) give_up("a call has waited while thousands behind it were answered");
  call = {stream, false, due};
  put_key();
  put_frame(kHeaders, kEndHeaders, stream,
            stream == 1 ? std::string_view(first_block(load_.path)) : kNextBlock);
  put_frame(kData, kEndStream, stream, frame_);
  send_window_ -= static_cast<std::int64_t>(frame_.size());
  ++under_way_;
}

/// The next key's digits: a step that is prime to all powers of ten visits each key once.
void GrpcConnection::put_key() {
  std::uint64_t key = next_key_++ * 7919 % load_.keys;
  for (std::size_t group = 0; group < 4; ++group, key /= 100) {
    const std::size_t at = 5 + load_.key_at + group * 4 + 1;
    frame_[at] = static_cast<char>('0' + key % 100 / 10);
    frame_[at + 1] = static_cast<char>('0' + key % 10);
  }
}

void GrpcConnection::put_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                               std::string_view payload) {
  const std::string length = word(static_cast<std::uint32_t>(payload.size()));
  out_.append(length, 1, 3);
  out_.push_back(static_cast<char>(type));
  out_.push_back(static_cast<char>(flags));
  out_ += word(stream);
  out_ += payload;
}

void GrpcConnection::flush() {
  while (sent_ < out_.size()) {
    const ssize_t n =
        ::send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) give_up("the server under test takes no more");
    sent_ += static_cast<std::size_t>(n);
  }
  out_.clear();
  sent_ = 0;
}

const std::vector<GrpcConnection::Clock::time_point>& GrpcConnection::receive() {
  ended_.clear();
  std::array<char, 65'536> piece;
  const ssize_t n = ::recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return ended_;
  if (n <= 0) give_up("the server under test closed a connection");
  in_.append(piece.data(), static_cast<std::size_t>(n));
  std::size_t at = 0;
  while (in_.size() - at >= kFrameHead) {
    const std::string_view head(in_.data() + at, kFrameHead);
    const std::size_t size = word_at(head, 0) >> 8;
    if (in_.size() - at - kFrameHead < size) break;
    take_frame(static_cast<std::uint8_t>(head[3]), static_cast<std::uint8_t>(head[4]),
               word_at(head, 5), std::string_view(in_).substr(at + kFrameHead, size));
    at += kFrameHead + size;
  }
  in_.erase(0, at);
  return ended_;
}

void GrpcConnection::take_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                                std::string_view payload) {
  switch (type) {
    case kData:
      take_data(stream, payload);
      break;
    case kSettings:
      if ((flags & kAck) == 0) take_settings(payload);
      return;
    case kPing:
      if ((flags & kAck) == 0) put_frame(kPing, kAck, 0, payload);
      return;
    case kWindowUpdate:
      if (stream == 0) send_window_ += word_at(payload, 0);
      return;
    case kReset:
    case kGoAway:
      give_up(fmt::format("the server under test ended stream {} with error {}", stream,
                          word_at(payload, type == kGoAway ? 4 : 0)));
    default:
      break;
  }
  if ((type == kData || type == kHeaders) && (flags & kEndStream) != 0) take_end(stream);
}

void GrpcConnection::take_settings(std::string_view payload) {
  for (std::size_t at = 0; at + 6 <= payload.size(); at += 6) {
    const std::uint32_t id = word_at(payload, at) >> 16;
    if (id == kHeaderTableSize && word_at(payload, at + 2) < 4096)
      give_up("the server under test keeps fewer headers than the load refers to");
  }
  put_frame(kSettings, kAck, 0, {});
}

void GrpcConnection::take_data(std::uint32_t stream, std::string_view payload) {
  received_ += static_cast<std::int64_t>(payload.size());
  if (received_ >= kUpdateEvery) {
    put_frame(kWindowUpdate, 0, 0, word(static_cast<std::uint32_t>(received_)));
    received_ = 0;
  }
  Call& call = call_of(stream);
  if (call.answered) return;  // more of the same message
  call.answered = payload.size() > 5 && payload.substr(5).starts_with(load_.answer);
  if (!call.answered && !payload.empty()) give_up("the load got another answer than it asked for");
}

void GrpcConnection::take_end(std::uint32_t stream) {
  Call& call = call_of(stream);
  if (!call.answered) give_up("a call was refused");
  ended_.push_back(call.due);
  call.stream = 0;
  --under_way_;
}

GrpcConnection::Call& GrpcConnection::call_of(std::uint32_t stream) {
  Call& call = calls_[stream / 2 % kCalls];
  if (call.stream != stream) give_up("an answer to a call that was not made");
  return call;
}

}  // namespace tidelimit::bench
