#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "serve/grpc_load.hpp"

namespace tidelimit::bench {

/// One HTTP/2 connection of a GrpcLoad: writes requests into a buffer that `flush` sends whole, and
/// tells which calls have ended. RFC 9113, as far as a client of one method needs it.
class GrpcConnection {
 public:
  using Clock = std::chrono::steady_clock;

  GrpcConnection(const GrpcLoad& load, std::uint64_t& next_key);
  ~GrpcConnection();
  GrpcConnection(const GrpcConnection&) = delete;
  GrpcConnection& operator=(const GrpcConnection&) = delete;

  /// Whether one more call may begin.
  [[nodiscard]] bool has_room() const;
  void begin(Clock::time_point due);
  void flush();
  /// Reads what is there; `ended(due)` for each call that has its answer.
  template <class Ended>
  void receive(Ended&& ended) {
    for (const Clock::time_point due : receive()) ended(due);
  }
  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] int under_way() const { return under_way_; }

 private:
  struct Call {
    std::uint32_t stream = 0;  ///< 0: none
    bool answered = false;
    Clock::time_point due;
  };
  static constexpr std::size_t kCalls = 1 << 16;  // far more than lie between first and last

  const std::vector<Clock::time_point>& receive();
  void take_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload);
  void take_data(std::uint32_t stream, std::string_view payload);
  void take_end(std::uint32_t stream);
  void take_settings(std::string_view payload);
  [[nodiscard]] Call& call_of(std::uint32_t stream);
  void put_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                 std::string_view payload);
  void put_key();

  const GrpcLoad& load_;
  std::uint64_t& next_key_;
  int socket_;
  std::string frame_;  ///< of the message, with its gRPC prefix
  std::string out_;
  std::size_t sent_ = 0;
  std::string in_;
  std::uint32_t next_stream_ = 1;
  std::int64_t send_window_ = 65'535;
  std::int64_t received_ = 0;  ///< since the last window update
  int under_way_ = 0;
  std::vector<Call> calls_;
  std::vector<Clock::time_point> ended_;
};

}  // namespace tidelimit::bench
