// gRPC C++ calls a gate: grpc_cpp_check HOST:PORT. Ends with 0 when all is as expected.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"

namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

int faults = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  ++faults;
  std::printf("not as expected: %s\n", what);
}

HealthCheckRequest request(const std::string& service) {
  HealthCheckRequest made;
  made.set_service(service);
  return made;
}

void check_statuses(Health::Stub& health) {
  const auto code = [&](const std::string& service, bool gzip = false) {
    grpc::ClientContext context;
    if (gzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    HealthCheckResponse response;
    const grpc::Status status = health.Check(&context, request(service), &response);
    if (status.ok()) expect(response.status() == HealthCheckResponse::SERVING, "it serves");
    return status.error_code();
  };
  expect(code("") == grpc::StatusCode::OK, "the server is known");
  expect(code("grpc.health.v1.Health") == grpc::StatusCode::OK, "the service is known");
  expect(code("shop.Cart") == grpc::StatusCode::NOT_FOUND, "no other service is");
  expect(code(std::string(100'000, 'x')) == grpc::StatusCode::RESOURCE_EXHAUSTED, "large messages");
  expect(code(std::string(500, 'x'), true) == grpc::StatusCode::UNIMPLEMENTED, "compressed ones");
  expect(code("") == grpc::StatusCode::OK, "the connection goes on");
}

void check_watch(Health::Stub& health) {
  HealthCheckResponse response;
  grpc::ClientContext cancelled;
  auto stream = health.Watch(&cancelled, request(""));
  expect(stream->Read(&response) && response.status() == HealthCheckResponse::SERVING, "a watch");
  cancelled.TryCancel();
  expect(!stream->Read(&response), "nothing after a cancel");
  expect(stream->Finish().error_code() == grpc::StatusCode::CANCELLED, "a cancelled watch");

  grpc::ClientContext late;
  late.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds{300});
  stream = health.Watch(&late, request("shop.Cart"));
  expect(stream->Read(&response) && response.status() == HealthCheckResponse::SERVICE_UNKNOWN,
         "a watch of an unknown service");
  expect(!stream->Read(&response), "nothing after the deadline");
  expect(stream->Finish().error_code() == grpc::StatusCode::DEADLINE_EXCEEDED, "its deadline");
}

void check_many(Health::Stub& health) {
  struct Call {
    grpc::ClientContext context;
    HealthCheckRequest request;
    HealthCheckResponse response;
  };
  constexpr int kCalls = 5000;
  std::vector<std::unique_ptr<Call>> calls;
  std::mutex mutex;
  std::condition_variable changed;
  int done = 0, well = 0;
  for (int i = 0; i < kCalls; ++i) {
    Call& call = *calls.emplace_back(std::make_unique<Call>());
    health.async()->Check(&call.context, &call.request, &call.response, [&](grpc::Status status) {
      std::lock_guard lock(mutex);
      well += status.ok() && call.response.status() == HealthCheckResponse::SERVING;
      if (++done == kCalls) changed.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  expect(changed.wait_for(lock, std::chrono::seconds{30}, [&] { return done == kCalls; }),
         "all of many calls are answered");
  expect(well == kCalls, "and well");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto channel = grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials());
  const auto health = Health::NewStub(channel);
  check_statuses(*health);
  check_watch(*health);
  check_many(*health);
  if (faults == 0) std::puts("all as expected");
  return faults == 0 ? 0 : 1;
}
