#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "serve/envoy/descriptors.hpp"
#include "serve/envoy/domain_calls.hpp"
#include "serve/envoy/rate_limit_answer.hpp"
#include "serve/gate/gate.hpp"
#include "serve/grpc/service.hpp"

namespace tidelimit::serve::envoy {

/// What the rate limit services of all loops share. Written by all of them, read by anyone.
struct RateLimitShared {
  std::atomic<std::uint64_t> unknown_domains{0};  ///< calls that passed for their domain is unknown
  std::atomic<std::uint64_t> domain_overflows{
      0};                                ///< calls that met a bucket shared for want of room
  std::atomic<std::size_t> services{0};  ///< how many there are
  Nanos clock_offset{0};  ///< of limiter::window_left; constant before the first service
};

/// Envoy's rate limit service v3 over the gate of this loop. The domain `tidelimit` is spoken in
/// tidelimit's own words (DescriptorReader), those of `ratelimit.domains` in theirs (DomainCalls);
/// any other is let pass and counted.
///   Code UNKNOWN is never answered, since Envoy lets it pass round failure_mode_deny: what goes
///   wrong here is UNAVAILABLE.
class RateLimitService final : public grpc::Service {
 public:
  static constexpr std::string_view kDomain = config::kOwnDomain;

  RateLimitService(Gate& gate, RateLimitShared& shared)
      : gate_(gate),
        shared_(shared),
        domains_(gate, shared.clock_offset, shared.services.fetch_add(1), shared.domain_overflows) {
  }

  [[nodiscard]] std::string_view name() const override {
    return "envoy.service.ratelimit.v3.RateLimitService";
  }
  [[nodiscard]] std::span<const grpc::Method> methods() const override;
  /// Headers of up to Envoy's own limits, in many descriptors: a call that is refused for its size
  /// would let its request pass.
  [[nodiscard]] std::size_t message_limit() const override { return 4 << 20; }
  [[nodiscard]] grpc::Status unary(int method, std::string_view message,
                                   const grpc::CallContext& context, std::string& reply) override;

 private:
  [[nodiscard]] grpc::Status answer(std::string_view message, const grpc::CallContext& context);

  [[nodiscard]] grpc::Status answer_other(const FrontSettings& settings, const Now& now);

  Gate& gate_;
  RateLimitShared& shared_;
  DomainCalls domains_;
  // Kept over calls with the memory they took.
  RateLimitRequest call_;
  RateLimitResponse response_;
  DescriptorReader reader_;
  std::array<engine::Answer, DescriptorReader::kMost> answers_;
};

}  // namespace tidelimit::serve::envoy
