#include "serve/grpc_reference.hpp"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <limits>
#include <mutex>
#include <string>
#include <unordered_map>

#include "envoy/service/ratelimit/v3/rls_service.grpc.pb.h"
#include "serve/children.hpp"

namespace tidelimit::bench {
namespace {

namespace rls = ::envoy::service::ratelimit::v3;

class CountingService final : public rls::RateLimitService::CallbackService {
 public:
  explicit CountingService(std::size_t keys) { counts_.reserve(keys); }

  grpc::ServerUnaryReactor* ShouldRateLimit(grpc::CallbackServerContext* context,
                                            const rls::RateLimitRequest* request,
                                            rls::RateLimitResponse* response) override {
    constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
    response->set_overall_code(rls::RateLimitResponse::OK);
    for (const auto& descriptor : request->descriptors()) {
      std::string key = request->domain();
      for (const auto& entry : descriptor.entries()) key += entry.key() + entry.value();
      const std::uint32_t count = add(std::move(key));
      auto* status = response->add_statuses();
      status->set_code(rls::RateLimitResponse::OK);
      status->set_limit_remaining(kMost - count);
      status->mutable_current_limit()->set_requests_per_unit(kMost);
      status->mutable_current_limit()->set_unit(rls::RateLimitResponse::RateLimit::SECOND);
      status->mutable_current_limit()->set_name("browse-STD");
      status->mutable_duration_until_reset()->set_seconds(1);
    }
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  std::uint32_t add(std::string key) {
    const std::lock_guard lock(mutex_);
    return ++counts_[std::move(key)];
  }

  std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> counts_;
};

}  // namespace

int run_grpc_reference(std::uint16_t port) {
  CountingService service(1'000'000);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(fmt::format("127.0.0.1:{}", port), grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) give_up("gRPC C++ can't listen");
  server->Wait();
  return 0;
}

}  // namespace tidelimit::bench
