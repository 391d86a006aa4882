#include "serve/http2/connection.hpp"

#include <algorithm>
#include <sys/epoll.h>

namespace tidelimit::serve {
namespace {

constexpr Nanos kLinger = std::chrono::seconds{2};
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view kOtherProtocol =
    "HTTP/1.1 505 HTTP Version Not Supported\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Connection: close\r\n\r\n"
    "This port speaks gRPC: HTTP/2 without TLS, by prior knowledge. HTTP/1.1 is on listen.http.\n";

}  // namespace

Http2Connection::Http2Connection(Http2Server& server, std::uint64_t id, Fd socket, const Peer& peer,
                                 bool exempt)
    : server_(server),
      id_(id),
      stream_(server.loop_, *this, std::move(socket)),
      peer_(peer),
      exempt_(exempt),
      session_(
          server.application_, peer_, exempt, server.limits_, server.loop_.now(),
          [this] { wake(); }, &server.pool_),
      moved_(server.loop_.now().mono) {}

Http2Connection::~Http2Connection() {
  server_.loop_.forget(*this);
  server_.quota_.leave(client_of(peer_.address), exempt_, Wire::grpc);
}

void Http2Connection::wake() {
  if (comes_again_ || dead()) return;
  comes_again_ = true;
  server_.loop_.again(*this);
}

bool Http2Connection::reading() const {
  return !closing_ && !dead() && stream_.kept() <= server_.limits_.unsent_bytes;
}

void Http2Connection::on_ready(std::uint32_t events) {
  comes_again_ = false;
  if ((events & EPOLLERR) != 0) dead_ = true;
  if ((events & EPOLLOUT) != 0 && stream_.send_kept()) {
    moved_ = server_.loop_.now().mono;  // it reads: slowly, but it does
    if (stream_.kept() == 0) wake();    // what was left in the socket gave its edge before
  }
  const bool more = receive();
  // Edges come once: a full buffer may have left bytes behind, and an end seen together with bytes
  // is not announced again.
  if (!dead() && (more || (events & (EPOLLRDHUP | EPOLLHUP)) != 0) && !stream_.ended() &&
      (reading() || lingering_))
    wake();
  flush();
  settle();
}

/// One read. True when there may be more.
bool Http2Connection::receive() {
  if (dead() || (!reading() && !lingering_)) return false;
  const std::string_view bytes = stream_.receive(server_.buffers_.read, LoopBuffers::kReadBytes);
  if (stream_.ended()) {
    // Half a connection is of no use to HTTP/2: nothing of the client's can follow.
    if (!closing_) dead_ = stream_.kept() == 0 && session_.streams() == 0;
    closing_ = true;
    return false;
  }
  if (!bytes.empty() && !lingering_ && check_preface(bytes)) session_.receive(bytes);
  return bytes.size() == LoopBuffers::kReadBytes;
}

bool Http2Connection::check_preface(std::string_view bytes) {
  if (prefaced_ == kPreface.size()) return true;
  const std::size_t now = std::min(bytes.size(), kPreface.size() - prefaced_);
  if (bytes.substr(0, now) == kPreface.substr(prefaced_, now)) {
    prefaced_ += now;
    return true;
  }
  closing_ = lingering_ = true;
  moved_ = server_.loop_.now().mono;
  stream_.send(kOtherProtocol);
  stream_.finish();
  return false;
}

void Http2Connection::flush() {
  if (lingering_) return;
  // Nothing is said before it is clear which protocol the client speaks.
  if (prefaced_ < kPreface.size() && !session_.deaf()) return;
  std::string& out = server_.buffers_.out;
  // More than one write is taken only where much is to be sent.
  while (stream_.kept() == 0 && !dead()) {
    out.clear();
    session_.collect(out, server_.limits_.unsent_bytes);
    if (out.empty()) return;
    stream_.send(out);
    moved_ = server_.loop_.now().mono;
  }
}

void Http2Connection::check_time(Instant now) {
  if (lingering_) {
    if (now - moved_ > kLinger) dead_ = true;
  } else if (stream_.kept() != 0 && now - moved_ > Http2Limits::kWriteTimeout) {
    dead_ = true;
  } else {
    session_.check_time();
    flush();
  }
  settle();
}

void Http2Connection::drain() {
  // A client that has not said a word is not waited for; it may have, though unread yet.
  if (prefaced_ < kPreface.size()) (void)receive();
  if (prefaced_ == 0) dead_ = true;
  session_.drain();
  flush();
  settle();
}

void Http2Connection::settle() {
  if (!dead() && !lingering_ && stream_.kept() == 0 && (session_.over() || closing_)) {
    if (stream_.ended()) {
      dead_ = true;
    } else {
      // Closing with unread bytes would reset the connection and take the last words with it.
      closing_ = lingering_ = true;
      moved_ = server_.loop_.now().mono;
      stream_.finish();
      wake();
    }
  }
  if (lingering_ && stream_.ended()) dead_ = true;
  if (dead()) server_.connections_.close(id_);  // destroys this
}

}  // namespace tidelimit::serve
