#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "serve/http/unsent_limits.hpp"
#include "serve/net/loop.hpp"
#include "serve/net/stream.hpp"

namespace tidelimit::serve {

struct LoopBuffers;

/// One client's socket under its protocol: reads in turns, bounds what the client leaves unread,
/// and goes in such a way that its last words are read. On the loop's thread only.
class ClientConnection : public Source {
 public:
  ~ClientConnection() override;
  /// May destroy this.
  void on_ready(std::uint32_t events) final;

 protected:
  enum class State : std::uint8_t {
    open,
    waiting,    ///< for an answer from another thread: nothing is read
    closing,    ///< nothing more is handled; goes when all is sent
    lingering,  ///< likewise, but discards what still comes, so that its last words are read
    finished,   ///< it lingers, and was told that all is sent
    gone,       ///< goes now
  };

  /// `exempt`: what it leaves unread counts in no budget. More than `most_unread` of it, and
  /// nothing more is read of the client until it reads.
  ClientConnection(Loop& loop, LoopBuffers& buffers, Fd socket, bool exempt,
                   const UnsentLimits& limits, std::size_t most_unread);

  /// What the client sent, while it is heard.
  virtual void on_bytes(std::string_view bytes) = 0;
  /// All is sent of what the client had left unread.
  virtual void on_all_sent() = 0;
  /// Before it is seen whether the connection goes.
  virtual void on_turn_end() = 0;
  /// Destroys this.
  virtual void leave() = 0;

  void send(std::string_view bytes);
  /// Reads once, and asks for another turn where there is more.
  void read();
  /// Asks for another turn, once.
  void wake();
  /// Ends what is to be done in a turn. May destroy this.
  void settle();
  /// The client was too slow to read what was sent, or to go.
  [[nodiscard]] bool late(Instant now) const;

  [[nodiscard]] bool reading() const {
    return state_ == State::open && !stream_.broken() && stream_.kept() <= most_unread_;
  }
  /// What still comes is read, and thrown away.
  [[nodiscard]] bool discarding() const {
    return state_ == State::lingering || state_ == State::finished;
  }
  [[nodiscard]] bool dead() const { return state_ == State::gone || stream_.broken(); }
  [[nodiscard]] bool all_sent() const { return stream_.kept() == 0; }
  /// The client has ended its side, though perhaps not all of it is read.
  [[nodiscard]] bool client_gone() const { return client_gone_; }
  /// All that the client sent is read.
  [[nodiscard]] bool read_out() const { return stream_.ended(); }

  State state_ = State::open;
  const std::size_t most_unread_;

 private:
  void send_kept();

  Loop& loop_;
  LoopBuffers& buffers_;
  Stream stream_;
  const UnsentLimits& limits_;
  BudgetShare unsent_;    ///< what the stream keeps
  std::size_t read_ = 0;  ///< by the client of what the stream kept, since `moved_`
  Instant moved_;         ///< when it last read as much as it must, or was told that all is sent
  bool client_gone_ = false;
  bool comes_again_ = false;  ///< the loop was asked for another turn
};

}  // namespace tidelimit::serve
