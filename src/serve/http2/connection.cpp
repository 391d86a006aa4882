#include "serve/http2/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace tidelimit::serve {
namespace {

constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;
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
      socket_(std::move(socket)),
      peer_(peer),
      exempt_(exempt),
      session_(
          server.application_, peer_, exempt, server.limits_, server.loop_.now(),
          [this] { wake(); }, &server.pool_),
      moved_(server.loop_.now().mono) {}

Http2Connection::~Http2Connection() {
  server_.loop_.forget(*this);
  server_.quota_.leave(client_of(peer_.address), exempt_);
}

void Http2Connection::wake() {
  if (comes_again_ || dead_) return;
  comes_again_ = true;
  server_.loop_.again(*this);
}

bool Http2Connection::reading() const {
  return !closing_ && !dead_ && unsent_.size() <= server_.limits_.unsent_bytes;
}

void Http2Connection::on_ready(std::uint32_t events) {
  comes_again_ = false;
  if ((events & EPOLLERR) != 0) dead_ = true;
  if ((events & EPOLLOUT) != 0 && !unsent_.empty()) send_unsent();
  const bool more = receive();
  // Edges come once: a full buffer may have left bytes behind, and an end seen together with bytes
  // is not announced again.
  if (!dead_ && (more || (events & (EPOLLRDHUP | EPOLLHUP)) != 0) && !peer_done_ &&
      (reading() || lingering_))
    wake();
  flush();
  settle();
}

/// One read. True when there may be more.
bool Http2Connection::receive() {
  if (dead_ || peer_done_ || (!reading() && !lingering_)) return false;
  std::string& buffer = server_.buffers_.read;
  ssize_t count = 0;
  do {
    count = recv(socket_.get(), buffer.data(), LoopBuffers::kReadBytes, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno != EAGAIN) dead_ = true;
    return false;
  }
  if (count == 0) {
    // Half a connection is of no use to HTTP/2: nothing of the client's can follow.
    peer_done_ = true;
    if (!closing_) dead_ = unsent_.empty() && session_.streams() == 0;
    closing_ = true;
    return false;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  if (!lingering_ && check_preface(bytes)) session_.receive(bytes);
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
  (void)!send(socket_.get(), kOtherProtocol.data(), kOtherProtocol.size(), MSG_NOSIGNAL);
  (void)shutdown(socket_.get(), SHUT_WR);
  return false;
}

void Http2Connection::flush() {
  if (dead_ || lingering_ || !unsent_.empty()) return;
  // Nothing is said before it is clear which protocol the client speaks.
  if (prefaced_ < kPreface.size() && !session_.deaf()) return;
  std::string& out = server_.buffers_.out;
  // More than one write is taken only where much is to be sent.
  while (unsent_.empty()) {
    out.clear();
    session_.collect(out, server_.limits_.unsent_bytes);
    if (out.empty()) return;
    const ssize_t sent = send(socket_.get(), out.data(), out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      dead_ = true;
      return;
    }
    const std::size_t done = sent > 0 ? static_cast<std::size_t>(sent) : 0;
    if (done == out.size()) continue;
    unsent_.assign(out, done);
    moved_ = server_.loop_.now().mono;
    want_write(true);
  }
}

void Http2Connection::send_unsent() {
  const ssize_t sent = send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) dead_ = true;
    return;
  }
  moved_ = server_.loop_.now().mono;  // it reads: slowly, but it does
  unsent_.erase(0, static_cast<std::size_t>(sent));
  if (unsent_.empty()) {
    unsent_ = std::string();
    want_write(false);
    wake();  // what was left in the socket gave its edge before
  }
}

void Http2Connection::want_write(bool wanted) {
  if (wants_write_ == wanted) return;
  wants_write_ = wanted;
  server_.loop_.change(socket_.get(), wanted ? kReadEvents | EPOLLOUT : kReadEvents, *this);
}

void Http2Connection::check_time(Instant now) {
  if (lingering_) {
    if (now - moved_ > kLinger) dead_ = true;
  } else if (!unsent_.empty() && now - moved_ > server_.limits_.write_timeout) {
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
  if (!dead_ && !lingering_ && unsent_.empty() && (session_.over() || closing_)) {
    if (peer_done_) {
      dead_ = true;
    } else {
      // Closing with unread bytes would reset the connection and take the last words with it.
      closing_ = lingering_ = true;
      moved_ = server_.loop_.now().mono;
      (void)shutdown(socket_.get(), SHUT_WR);
      wake();
    }
  }
  if (lingering_ && peer_done_) dead_ = true;
  if (dead_) server_.close(id_);  // destroys this
}

}  // namespace tidelimit::serve
