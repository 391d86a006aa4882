#include "serve/envoy/rate_limit_service.hpp"

#include <exception>
#include <limits>
#include <spdlog/spdlog.h>

namespace tidelimit::serve::envoy {

std::span<const grpc::Method> RateLimitService::methods() const {
  static constexpr std::array kMethods{grpc::Method{"ShouldRateLimit", 0, grpc::MethodKind::unary}};
  return kMethods;
}

grpc::Status RateLimitService::unary(int, std::string_view message,
                                     const grpc::CallContext& context, std::string& reply) {
  try {
    grpc::Status status = answer(message, context);
    if (status.ok() && !response_.AppendToString(&reply))
      return {grpc::StatusCode::unavailable, "the answer could not be written"};
    return status;
  } catch (const std::exception& error) {
    spdlog::error("rate limit service: {}", error.what());
    return {grpc::StatusCode::unavailable, "the call could not be decided"};
  }
}

grpc::Status RateLimitService::answer(std::string_view message, const grpc::CallContext& context) {
  const auto invalid = [](std::string_view what) {
    return grpc::Status{grpc::StatusCode::invalid_argument, std::string(what)};
  };
  if (message.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !call_.ParseFromArray(message.data(), static_cast<int>(message.size())))
    return invalid("this is no envoy.service.ratelimit.v3.RateLimitRequest");
  if (call_.domain().empty())
    return invalid("domain: it is empty; set the filter's domain to tidelimit");
  if (const auto shape = check_shape(call_); !shape) return grpc::to_status(shape.error());
  response_.Clear();
  const FrontSettings& settings = gate_.settings();
  if (call_.domain() != kDomain) return answer_other(settings, context.now);
  const auto asked = reader_.read(call_, settings.config.descriptors, context.peer.address);
  if (!asked) return grpc::to_status(asked.error());
  const bool passed = gate_.decide_all(*asked, context.now, answers_);
  write_response(call_, *asked, {answers_.data(), asked->size()}, passed, settings, gate_.mode(),
                 response_);
  return {};
}

grpc::Status RateLimitService::answer_other(const FrontSettings& settings, const Now& now) {
  const DomainLevel* domain = settings.domains.find(call_.domain());
  if (domain == nullptr) {
    shared_.unknown_domains.fetch_add(1, std::memory_order_relaxed);
    write_unlimited(call_, response_);
    return {};
  }
  const auto answered = domains_.answer(call_, *domain, settings, now, response_);
  return answered ? grpc::Status{} : grpc::to_status(answered.error());
}

}  // namespace tidelimit::serve::envoy
