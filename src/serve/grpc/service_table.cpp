#include "serve/grpc/service_table.hpp"

#include "serve/grpc/call.hpp"

namespace tidelimit::serve::grpc {
namespace {

constexpr std::size_t kKeptCalls = 1024;

}  // namespace

ServiceTable::ServiceTable(Trusts trusts) : trusts_(std::move(trusts)) {}

ServiceTable::~ServiceTable() = default;

void ServiceTable::add(std::unique_ptr<Service> service) {
  for (const Method& method : service->methods()) rows_.emplace_back(service.get(), method);
  services_.push_back(std::move(service));
}

std::vector<std::string_view> ServiceTable::names() const {
  std::vector<std::string_view> names;
  for (const auto& service : services_) names.push_back(service->name());
  return names;
}

ServiceTable::Route ServiceTable::find(std::string_view path, std::string& missing) {
  const Route none{.service = nullptr, .method = {}, .ended = &unrouted_};
  const std::size_t slash = path.rfind('/');
  if (path.empty() || path.front() != '/' || slash == 0) {
    missing = "the path is not of the form /package.Service/Method";
    return none;
  }
  const std::string_view service = path.substr(1, slash - 1);
  const std::string_view method = path.substr(slash + 1);
  bool known = false;
  for (Row& row : rows_) {
    if (row.service->name() != service) continue;
    if (row.method.name == method) return {row.service, row.method, &row.ended};
    known = true;
  }
  missing = known ? "this service has no such method" : "this server has no such service";
  return none;
}

std::vector<EndedCalls> ServiceTable::ended() const {
  std::vector<EndedCalls> all;
  const auto add = [&](std::string_view service, std::string_view method,
                       const CallCounts& counts) {
    for (std::size_t i = 0; i < kStatusCodes; ++i) {
      const auto code = static_cast<StatusCode>(i);
      if (const std::uint64_t count = counts.read(code); count > 0)
        all.push_back({service, method, code, count});
    }
  };
  for (const Row& row : rows_) add(row.service->name(), row.method.name, row.ended);
  add("none", "none", unrouted_);
  return all;
}

Exchange& ServiceTable::begin(Http2Session& session, std::int32_t stream) {
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

void ServiceTable::end(Exchange& exchange) {
  std::unique_ptr<ServerCall> call(&static_cast<ServerCall&>(exchange));
  call->stop();
  if (free_.size() < kKeptCalls) free_.push_back(std::move(call));
}

}  // namespace tidelimit::serve::grpc
