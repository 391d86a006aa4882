#include "serve/http/client_connection.hpp"

#include <sys/epoll.h>

#include "serve/http/server.hpp"

namespace tidelimit::serve {
namespace {

constexpr Nanos kLinger = std::chrono::seconds{2};

}  // namespace

ClientConnection::ClientConnection(Loop& loop, LoopBuffers& buffers, Fd socket, bool exempt,
                                   const UnsentLimits& limits, std::size_t most_unread)
    : most_unread_(most_unread),
      loop_(loop),
      buffers_(buffers),
      stream_(loop, *this, std::move(socket)),
      limits_(limits),
      unsent_(exempt ? nullptr : limits.budget),
      moved_(loop.now().mono) {}

ClientConnection::~ClientConnection() {
  loop_.forget(*this);
}

void ClientConnection::on_ready(std::uint32_t events) {
  comes_again_ = false;
  if ((events & EPOLLERR) != 0) state_ = State::gone;
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) client_gone_ = true;
  if ((events & EPOLLOUT) != 0) send_kept();
  read();
  settle();
}

void ClientConnection::read() {
  if (dead() || (!reading() && !discarding())) return;
  const std::string_view bytes = stream_.receive(buffers_.read, LoopBuffers::kReadBytes);
  const bool full = bytes.size() == LoopBuffers::kReadBytes;
  if (!bytes.empty() && !discarding()) on_bytes(bytes);
  // Edges come once: a full buffer may have left bytes behind, and an end that came with bytes, or
  // while nothing was read, is not announced again.
  if ((full || client_gone_) && !read_out() && (reading() || discarding())) wake();
}

void ClientConnection::wake() {
  if (comes_again_ || dead()) return;
  comes_again_ = true;
  loop_.again(*this);
}

void ClientConnection::send(std::string_view bytes) {
  if (dead()) return;
  if (all_sent()) {
    read_ = 0;
    moved_ = loop_.now().mono;
  }
  stream_.send(bytes);
  if (!unsent_.resize(stream_.kept())) state_ = State::gone;
}

void ClientConnection::send_kept() {
  const std::size_t before = stream_.kept();
  if (!stream_.send_kept()) return;
  (void)unsent_.resize(stream_.kept());  // it has shrunk
  read_ += before - stream_.kept();
  if (all_sent() || read_ >= UnsentLimits::kStep) {
    read_ = 0;
    moved_ = loop_.now().mono;  // it reads: slowly, but it does
  }
  if (all_sent()) on_all_sent();
}

bool ClientConnection::late(Instant now) const {
  if (state_ == State::finished) return now - moved_ >= kLinger;
  return !all_sent() && now - moved_ >= limits_.timeout;
}

void ClientConnection::settle() {
  on_turn_end();
  if (all_sent()) {
    if (state_ == State::closing || (state_ == State::lingering && read_out())) {
      state_ = State::gone;
    } else if (state_ == State::lingering) {
      // Closing with unread bytes would reset the connection and take the last words with it.
      state_ = State::finished;
      moved_ = loop_.now().mono;
      stream_.finish();
      read();
    }
  }
  if (state_ == State::finished && read_out()) state_ = State::gone;
  if (dead()) leave();
}

}  // namespace tidelimit::serve
