#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include "serve/net/socket.hpp"

namespace tidelimit::serve {

/// A raw TCP client of 127.0.0.1: sends what it is told, byte for byte.
class SocketClient {
 public:
  /// `receive_buffer`: what the kernel takes in that is not read; 0: its own choice.
  explicit SocketClient(std::uint16_t port, int receive_buffer = 0)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0)
      (void)setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }

  [[nodiscard]] bool connected() const { return connected_; }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// How many of these bytes went out before the socket took none for so long.
  std::size_t send_until_stuck(std::string_view bytes, std::chrono::milliseconds patience) {
    std::size_t sent = 0;
    pollfd ready{fd_.get(), POLLOUT, 0};
    while (sent < bytes.size() && poll(&ready, 1, static_cast<int>(patience.count())) > 0) {
      const ssize_t now =
          ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (now <= 0) break;
      sent += static_cast<std::size_t>(now);
    }
    return sent;
  }
  void end() { (void)shutdown(fd_.get(), SHUT_WR); }

  /// Everything until `marker` was seen `times` times, the end of the connection, or the patience's
  /// end.
  std::string read_until(std::string_view marker, int times = 1,
                         std::chrono::milliseconds patience = std::chrono::seconds{5}) {
    return read_while([&](std::string_view text) { return count(text, marker) < times; }, patience);
  }
  /// At least so many bytes, or what came until the end of the connection or of the patience.
  std::string read_bytes(std::size_t bytes,
                         std::chrono::milliseconds patience = std::chrono::seconds{30}) {
    return read_while([&](std::string_view text) { return text.size() < bytes; }, patience);
  }
  /// One read of no more than so many bytes, or nothing where none come.
  std::string read_some(std::size_t most, std::chrono::milliseconds patience) {
    return read_while([](std::string_view text) { return text.empty(); }, patience, most);
  }
  /// Until the server closes.
  std::string read_all() { return read_until("\x01\x02 never sent"); }
  [[nodiscard]] bool closed() const { return closed_; }
  /// Whether the server has answered something sent with a reset.
  [[nodiscard]] bool reset() const {
    int error = 0;
    socklen_t size = sizeof error;
    (void)getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error != 0;
  }

  static int count(std::string_view text, std::string_view part) {
    int found = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + part.size()))
      ++found;
    return found;
  }

 private:
  template <class More>
  std::string read_while(More&& more, std::chrono::milliseconds patience,
                         std::size_t most = 65536) {
    std::string text;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (more(text)) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      pollfd ready{fd_.get(), POLLIN, 0};
      if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0) break;
      char buffer[65536];
      const ssize_t got = recv(fd_.get(), buffer, std::min(most, sizeof buffer), 0);
      if (got <= 0) {
        closed_ = true;
        break;
      }
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }

  Fd fd_;
  bool connected_ = false;
  bool closed_ = false;
};

}  // namespace tidelimit::serve
