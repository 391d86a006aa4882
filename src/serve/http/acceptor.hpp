#pragma once

#include <functional>
#include <string_view>

#include "serve/http/handler.hpp"
#include "serve/http/quota.hpp"
#include "serve/net/loop.hpp"

namespace tidelimit::serve {

/// A listening socket of one loop: accepts connections within the quota and hands them on. Out of
/// descriptors it refuses by one that it keeps for that, and without it rests until the next
/// housekeeping. On the loop's thread only.
class Acceptor final : public Source {
 public:
  struct Callbacks {
    /// Whether a caller is exempt from the bound on connections per address.
    std::function<bool(const Peer&)> trusts;
    /// A connection that has its place in the quota, which the taker gives back.
    std::function<void(Fd socket, const Peer& peer, bool exempt)> take;
  };

  /// `full` is sent to callers that find no place.
  Acceptor(Loop& loop, Fd listener, ConnectionQuota& quota, Wire wire, std::string_view full,
           Callbacks callbacks);

  void on_ready(std::uint32_t events) override;
  /// Accepts no more.
  void close();

 private:
  void accept_one(Fd socket, const Address& address);
  /// 0, or the error of accept.
  [[nodiscard]] int refuse_by_spare();

  Loop& loop_;
  Fd listener_;
  ConnectionQuota& quota_;
  const Wire wire_;
  const std::string_view full_;
  const Callbacks callbacks_;
  Fd spare_;
  bool resting_ = false;  ///< out of descriptors, or of memory
};

}  // namespace tidelimit::serve
