#include "serve/net/stream.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace tidelimit::serve {

const std::uint32_t Stream::kEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

Stream::Stream(Loop& loop, Source& owner, Fd socket)
    : loop_(loop), owner_(owner), socket_(std::move(socket)) {}

std::string_view Stream::receive(std::string& buffer, std::size_t most) {
  if (broken_ || ended_) return {};
  ssize_t count = 0;
  do {
    count = ::recv(socket_.get(), buffer.data(), most, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    broken_ = errno != EAGAIN;
    return {};
  }
  ended_ = count == 0;
  return {buffer.data(), static_cast<std::size_t>(count)};
}

void Stream::send(std::string_view bytes) {
  if (broken_ || bytes.empty()) return;
  if (!kept_.empty()) {
    kept_.append(bytes);
    return;
  }
  const std::size_t sent = send_some(bytes);
  if (broken_ || sent == bytes.size()) return;
  kept_.assign(bytes.substr(sent));
  watch_writing(true);
}

bool Stream::send_kept() {
  if (broken_ || kept_.empty()) return false;
  const std::size_t sent = send_some(kept_);
  kept_.erase(0, sent);
  if (kept_.empty()) {
    kept_ = std::string();  // its memory too: most clients read all at once
    watch_writing(false);
  }
  return sent > 0;
}

std::size_t Stream::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno != EAGAIN && errno != EINTR) broken_ = true;
  return 0;
}

void Stream::finish() {
  (void)::shutdown(socket_.get(), SHUT_WR);
}

void Stream::watch_writing(bool wanted) {
  if (watches_writing_ == wanted) return;
  watches_writing_ = wanted;
  loop_.change(socket_.get(), wanted ? kEvents | EPOLLOUT : kEvents, owner_);
}

}  // namespace tidelimit::serve
