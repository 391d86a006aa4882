#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "serve/grpc/service.hpp"

namespace tidelimit::serve::grpc {

/// grpc.health.v1.Health: whether the server, or one of its services by name, is serving. Anyone
/// who reaches the listener may ask, as with /healthz.
class HealthService final : public Service {
 public:
  /// Of all connections of its loop: a watch has no end of its own, and each keeps its stream.
  static constexpr std::size_t kMostWatches = 1000;

  /// `names`: of the services beside this one.
  explicit HealthService(std::vector<std::string> names);
  ~HealthService() override;

  [[nodiscard]] std::string_view name() const override { return "grpc.health.v1.Health"; }
  [[nodiscard]] std::span<const Method> methods() const override;
  [[nodiscard]] bool open_to_all() const override { return true; }
  [[nodiscard]] std::size_t message_limit() const override { return 1 << 10; }

  [[nodiscard]] Status unary(int method, std::string_view message, const CallContext& context,
                             std::string& reply) override;
  [[nodiscard]] std::unique_ptr<CallHandler> open(int method, const CallContext& context,
                                                  Call& call) override;

  /// From here on it is not serving, and those who watch are told.
  void stop_serving();

 private:
  class Watcher;
  [[nodiscard]] bool knows(std::string_view service) const;

  std::vector<std::string> names_;
  std::unordered_set<Watcher*> watchers_;
  bool serving_ = true;
};

}  // namespace tidelimit::serve::grpc
