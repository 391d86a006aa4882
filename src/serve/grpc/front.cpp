#include "serve/grpc/front.hpp"

#include "serve/grpc/call.hpp"

namespace tidelimit::serve::grpc {
namespace {

constexpr std::size_t kKeptCalls = 1024;

}  // namespace

Front::Front(Trusts trusts) : trusts_(std::move(trusts)) {}

Front::~Front() = default;

void Front::add(std::unique_ptr<Service> service) {
  services_.push_back(std::move(service));
}

std::vector<std::string_view> Front::names() const {
  std::vector<std::string_view> names;
  for (const auto& service : services_) names.push_back(service->name());
  return names;
}

Front::Route Front::find(std::string_view path, std::string& missing) const {
  const std::size_t slash = path.rfind('/');
  if (path.empty() || path.front() != '/' || slash == 0) {
    missing = "the path is not of the form /package.Service/Method";
    return {};
  }
  const std::string_view name = path.substr(1, slash - 1);
  for (const auto& service : services_) {
    if (service->name() != name) continue;
    const auto method = service->find(path.substr(slash + 1));
    if (method) return {service.get(), *method};
    missing = "this service has no such method";
    return {};
  }
  missing = "this server has no such service";
  return {};
}

Exchange& Front::begin(Http2Session& session, std::int32_t stream) {
  std::unique_ptr<ServerCall> call;
  if (free_.empty()) {
    call = std::make_unique<ServerCall>(*this);
  } else {
    call = std::move(free_.back());
    free_.pop_back();
  }
  call->start(session, stream);
  return *call.release();  // until `end`
}

void Front::end(Exchange& exchange) {
  std::unique_ptr<ServerCall> call(&static_cast<ServerCall&>(exchange));
  call->stop();
  if (free_.size() < kKeptCalls) free_.push_back(std::move(call));
}

}  // namespace tidelimit::serve::grpc
