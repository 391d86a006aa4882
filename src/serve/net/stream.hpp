#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "serve/net/loop.hpp"

namespace tidelimit::serve {

/// One connected TCP socket, non-blocking and edge-triggered: takes in what has come, sends what
/// the socket takes, and keeps the rest until it takes more. Belongs to one loop's thread.
class Stream {
 public:
  /// What a loop is to watch of such a socket; writing is watched while something is kept.
  static const std::uint32_t kEvents;

  /// The owner adds the socket to the loop, and answers EPOLLOUT with send_kept().
  Stream(Loop& loop, Source& owner, Fd socket);

  /// One read into `buffer`, of at most `most` bytes. Empty when nothing was there, or after the
  /// end. Edges come once: after a full read there may be more.
  [[nodiscard]] std::string_view receive(std::string& buffer, std::size_t most);
  /// Sends behind what is kept.
  void send(std::string_view bytes);
  /// True when anything of what was kept went out.
  bool send_kept();
  /// Says that nothing more will be sent.
  void finish();

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }
  /// The peer sends no more.
  [[nodiscard]] bool ended() const { return ended_; }
  /// Nothing can be read or sent any more.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  [[nodiscard]] std::size_t send_some(std::string_view bytes);
  void watch_writing(bool wanted);

  Loop& loop_;
  Source& owner_;
  Fd socket_;
  std::string kept_;
  bool watches_writing_ = false;
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace tidelimit::serve
