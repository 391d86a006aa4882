// Envoy's rate limit call of a million clients, the gate beside gRPC C++'s callback server: each
// alone on one core with the same load on another. Calls a second with 8 connections of 32 streams,
// CPU for each call, and latency at half of the gate's rate under open load.
#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <string_view>
#include <thread>

#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "figures.hpp"
#include "serve/grpc_load.hpp"
#include "serve/grpc_reference.hpp"
#include "serve/servers.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tidelimit::bench;
using ::envoy::service::ratelimit::v3::RateLimitRequest;
using ::envoy::service::ratelimit::v3::RateLimitResponse;

constexpr int kRounds = 3;  // alternating, the median counts: a busy machine hits both alike
constexpr std::size_t kKeys = 1'000'000;
constexpr std::string_view kAnyAddress = "100.100.100.100";  // its digits after each 1 are the key

/// As Envoy's actions remote_address and request_headers of :path make it.
GrpcLoad some_load() {
  RateLimitRequest request;
  request.set_domain("tidelimit");
  auto* descriptor = request.add_descriptors();
  auto* address = descriptor->add_entries();
  address->set_key("remote_address");
  address->set_value(std::string(kAnyAddress));
  auto* path = descriptor->add_entries();
  path->set_key("path");
  path->set_value("/browse/1");
  RateLimitResponse passed;
  passed.set_overall_code(RateLimitResponse::OK);
  GrpcLoad load;
  load.path = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";
  load.message = request.SerializeAsString();
  load.key_at = load.message.find(kAnyAddress);
  load.keys = kKeys;
  load.answer = passed.SerializeAsString();
  load.core = usable_cores().back();
  return load;
}

/// What one server did under full load.
struct Run {
  double rate = 0;    ///< calls a second
  double cpu_us = 0;  ///< of the server, for each call
};

Run median(std::vector<Run> runs) {
  const auto middle = [&](double Run::*of) {
    std::sort(runs.begin(), runs.end(), [&](const Run& a, const Run& b) { return a.*of < b.*of; });
    return runs[runs.size() / 2].*of;
  };
  return {middle(&Run::rate), middle(&Run::cpu_us)};
}

/// A server and the load on it, which goes on from key to key.
class Contender {
 public:
  explicit Contender(Server server) : server_(std::move(server)) {}

  /// Once through all keys: the first touch of memory is no part of a call's cost.
  void warm_up() {
    for (std::uint64_t done = 0; done < kKeys;) done += full_load(some_load()).calls;
  }
  void measure() {
    const double before = server_.child->cpu_seconds();
    const GrpcLoadTimes done = full_load(some_load());
    const double used = server_.child->cpu_seconds() - before;
    runs_.push_back({done.rate, used * 1e6 / static_cast<double>(done.calls)});
  }
  [[nodiscard]] Run result() const { return median(runs_); }

  [[nodiscard]] OpenLoadTimes open_load(double rate) {
    GrpcLoad load = some_load();
    load.rate = rate;
    return full_load(load).times;
  }

 private:
  GrpcLoadTimes full_load(GrpcLoad load) {
    load.port = server_.port;
    load.first_key = next_key_;
    GrpcLoadTimes done = run(load);
    next_key_ += done.calls;
    return done;
  }

  Server server_;
  std::uint64_t next_key_ = 0;
  std::vector<Run> runs_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--grpc-reference")
    return run_grpc_reference(static_cast<std::uint16_t>(std::stoi(argv[2])));
  const TemporaryFolder folder;
  const int core = usable_cores().front();
  Contender gate(start_grpc_gate(folder.path(), core));
  Contender reference(start_grpc_reference(folder.path(), core));
  std::this_thread::sleep_for(
      std::chrono::seconds{2});  // the control plane has had its first turns
  gate.warm_up();
  reference.warm_up();
  for (int round = 0; round < kRounds; ++round) {
    gate.measure();
    reference.measure();
  }
  const Run ours = gate.result(), theirs = reference.result();
  const OpenLoadTimes half = gate.open_load(ours.rate / 2);

  constexpr const char* kReference = "gRPC C++ callback server";
  Figures figures;
  figures.add({.name = "rls_grpc",
               .value = ours.rate,
               .unit = "calls/s",
               .reference = kReference,
               .reference_value = theirs.rate,
               .aim = ">=3"});
  figures.add({.name = "rls_rate", .value = ours.rate, .unit = "calls/s", .aim = ">=200000"});
  figures.add({.name = "rls_cpu",
               .value = ours.cpu_us,
               .unit = "us/call",
               .reference = kReference,
               .reference_value = theirs.cpu_us});
  const auto latency = [&](const char* name, double part, const char* aim) {
    figures.add(
        {.name = name, .value = quantile(half.answer_ms, part) * 1e3, .unit = "us", .aim = aim});
  };
  latency("rls_p50_us", 0.5, "");
  latency("rls_p99_us", 0.99, "");
  latency("rls_p999_us", 0.999, "<1000");
  // How late the load itself was: where this is no small part, the machine was busy otherwise.
  figures.add({.name = "rls_load_behind_p999_us",
               .value = quantile(half.behind_ms, 0.999) * 1e3,
               .unit = "us"});
  return figures.print(argc, argv);
}
