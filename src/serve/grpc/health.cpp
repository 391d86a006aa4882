#include "serve/grpc/health.hpp"

#include <algorithm>
#include <array>
#include <grpc/health/v1/health.pb.h>

namespace tidelimit::serve::grpc {
namespace {

namespace v1 = ::grpc::health::v1;
using ServingStatus = v1::HealthCheckResponse::ServingStatus;

enum MethodId : int { kCheck, kWatch };

bool parse(std::string_view message, v1::HealthCheckRequest& request) {
  return request.ParseFromArray(message.data(), static_cast<int>(message.size()));
}

void append(std::string& out, ServingStatus status) {
  v1::HealthCheckResponse response;
  response.set_status(status);
  response.AppendToString(&out);
}

ServingStatus status_of(bool serving) {
  return serving ? v1::HealthCheckResponse::SERVING : v1::HealthCheckResponse::NOT_SERVING;
}

}  // namespace

/// One Watch: says how things stand once it knows of what, and again when that changes.
class HealthService::Watcher final : public CallHandler {
 public:
  Watcher(HealthService& health, Call& call) : health_(health), call_(call) {
    health_.watchers_.insert(this);
  }
  ~Watcher() override { health_.watchers_.erase(this); }

  void on_message(std::string_view message, const CallContext&) override {
    v1::HealthCheckRequest request;
    if (asked_ || !parse(message, request))
      return call_.finish({StatusCode::invalid_argument, "Watch takes one HealthCheckRequest"});
    asked_ = true;
    known_ = health_.knows(request.service());
    tell();
  }
  void on_end(const CallContext&) override {
    if (!asked_) call_.finish({StatusCode::invalid_argument, "Watch takes one HealthCheckRequest"});
  }

  void tell() {
    if (!asked_) return;
    std::string message;
    append(message,
           known_ ? status_of(health_.serving_) : v1::HealthCheckResponse::SERVICE_UNKNOWN);
    (void)call_.send(message);
  }

 private:
  HealthService& health_;
  Call& call_;
  bool asked_ = false;
  bool known_ = false;
};

HealthService::HealthService(std::vector<std::string> names) : names_(std::move(names)) {
  names_.emplace_back();  // the server as a whole
  names_.emplace_back(name());
}

HealthService::~HealthService() = default;

std::span<const Method> HealthService::methods() const {
  static constexpr std::array kMethods{Method{"Check", kCheck, MethodKind::unary},
                                       Method{"Watch", kWatch, MethodKind::stream}};
  return kMethods;
}

bool HealthService::knows(std::string_view service) const {
  return std::find(names_.begin(), names_.end(), service) != names_.end();
}

Status HealthService::unary(int, std::string_view message, const CallContext&, std::string& reply) {
  v1::HealthCheckRequest request;
  if (!parse(message, request))
    return {StatusCode::invalid_argument, "the message is no HealthCheckRequest"};
  if (!knows(request.service())) return {StatusCode::not_found, "this server has no such service"};
  append(reply, status_of(serving_));
  return {};
}

std::unique_ptr<CallHandler> HealthService::open(int, const CallContext&, Call& call) {
  if (watchers_.size() >= kMostWatches) {
    call.finish({StatusCode::resource_exhausted, "as many watch as may; Check answers all"});
    return nullptr;
  }
  return std::make_unique<Watcher>(*this, call);
}

void HealthService::stop_serving() {
  serving_ = false;
  for (Watcher* watcher : watchers_) watcher->tell();
}

}  // namespace tidelimit::serve::grpc
