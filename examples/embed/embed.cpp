// Three requests of one user against 2 a minute: the third is denied.
#include <iostream>

#include <tidelimit/limiter.hpp>

int main() {
  using namespace std::chrono_literals;
  namespace limiter = tidelimit::limiter;

  limiter::Limiter gate({.bucket_bytes = 1 << 20, .client_bytes = 1 << 20, .seed = 42});
  auto plan = std::make_shared<limiter::Plan>();  // one endpoint, one tier
  plan->expires_at = tidelimit::Instant{tidelimit::Nanos::max()};
  plan->endpoints.resize(1);
  plan->cells.resize(1);
  for (auto& view : plan->cells[0].views) view.principal = limiter::make_limit({2, 1min}, 2);
  gate.plan.publish(plan);

  limiter::Worker worker(gate);  // one for each thread
  const limiter::Call call{.client = tidelimit::client_of("203.0.113.7"),
                           .user = gate.hash_user("alice")};
  for (tidelimit::Instant now{1s}; now < tidelimit::Instant{4s}; now = now + 1s) {
    const limiter::Decision said = worker.decide(call, now);
    std::cout << (said.allowed ? "allowed" : "denied") << ", remaining " << said.remaining
              << ", retry after " << said.retry_after / 1ms << " ms\n";
  }
}
