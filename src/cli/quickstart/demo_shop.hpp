#pragma once

#include <cstdint>
#include <memory>
#include <thread>

#include "base/error.hpp"
#include "serve/http/server.hpp"
#include "serve/net/loop.hpp"

namespace tidelimit::cli::quickstart {

/// The upstream of the demonstration: a small HTTP server on a free loopback port that answers each
/// request with the status that its header `x-demo-status` asks for.
class DemoShop {
 public:
  [[nodiscard]] static Result<std::unique_ptr<DemoShop>> start();
  ~DemoShop();
  DemoShop(const DemoShop&) = delete;
  DemoShop& operator=(const DemoShop&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  class Answers;
  explicit DemoShop(serve::Fd listener);

  std::uint16_t port_;
  serve::Clock clock_;
  serve::Loop loop_;
  serve::LoopBuffers buffers_;
  serve::ConnectionQuota quota_;
  std::unique_ptr<Answers> answers_;
  serve::HttpServer server_;
  std::thread thread_;
};

}  // namespace tidelimit::cli::quickstart
