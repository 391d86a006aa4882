#include "serve/http2/connection.hpp"

#include <algorithm>

namespace tidelimit::serve {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view kOtherProtocol =
    "HTTP/1.1 505 HTTP Version Not Supported\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Connection: close\r\n\r\n"
    "This port speaks gRPC: HTTP/2 without TLS, by prior knowledge. HTTP/1.1 is on listen.http.\n";
// A client that does not read is not heard either: what a frame of ten bytes leads to may take a
// hundred.
constexpr std::size_t kMostUnread = 0;

}  // namespace

Http2Connection::Http2Connection(Http2Server& server, std::uint64_t id, Fd socket, const Peer& peer,
                                 bool exempt)
    : ClientConnection(server.loop_, server.buffers_, std::move(socket), exempt,
                       server.limits_.unsent, kMostUnread),
      server_(server),
      id_(id),
      peer_(peer),
      exempt_(exempt),
      session_(
          server.application_, peer_, exempt, server.limits_, server.loop_.now(),
          [this] { wake(); }, &server.pool_) {}

Http2Connection::~Http2Connection() {
  server_.quota_.leave(client_of(peer_.address), exempt_, Wire::grpc);
}

void Http2Connection::leave() {
  server_.connections_.close(id_);
}

void Http2Connection::on_bytes(std::string_view bytes) {
  if (check_preface(bytes)) session_.receive(bytes);
}

bool Http2Connection::check_preface(std::string_view bytes) {
  if (prefaced_ == kPreface.size()) return true;
  const std::size_t now = std::min(bytes.size(), kPreface.size() - prefaced_);
  if (bytes.substr(0, now) == kPreface.substr(prefaced_, now)) {
    prefaced_ += now;
    return true;
  }
  state_ = State::lingering;
  send(kOtherProtocol);
  return false;
}

void Http2Connection::flush() {
  // Nothing is said before it is clear which protocol the client speaks.
  if (prefaced_ < kPreface.size() && !session_.deaf()) return;
  std::string& out = server_.buffers_.out;
  // More than one write is taken only where much is to be sent.
  while (all_sent() && !dead()) {
    out.clear();
    session_.collect(out, server_.limits_.unsent.bytes_of(exempt_));
    if (out.empty()) return;
    send(out);
  }
}

void Http2Connection::on_turn_end() {
  if (state_ != State::open) return;
  flush();
  if (dead() || !all_sent()) return;
  // Half a connection is of no use to HTTP/2: nothing of the client's can follow.
  if (read_out()) {
    state_ = State::closing;
  } else if (session_.over()) {
    state_ = State::lingering;
  }
}

void Http2Connection::check_time(Instant now) {
  if (late(now)) state_ = State::gone;
  if (state_ == State::open) session_.check_time();
  settle();
}

void Http2Connection::drain() {
  // A client that has not said a word is not waited for; it may have, though unread yet.
  if (prefaced_ < kPreface.size()) read();
  if (prefaced_ == 0) state_ = State::gone;
  session_.drain();
  settle();
}

}  // namespace tidelimit::serve
