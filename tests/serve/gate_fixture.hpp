#pragma once

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "eventually.hpp"
#include "serve/http/client.hpp"
#include "serve/service.hpp"
#include "store/history/sqlite_history.hpp"

namespace tidelimit::serve {

/// A whole gate on free ports of 127.0.0.1, with its files in a folder of its own.
class GateTest : public testing::Test {
 protected:
  static constexpr const char* kConfig = R"(
mode: enforce
listen: { http: 127.0.0.1:0, syslog: 127.0.0.1:0 }
identity: { user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }
tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", limits: { PRM: 300/min, STD: 100/min } }
  - { name: login, match: "/login/**", limits: { PRM: 10/min, STD: 3/min } }
  - { name: tried, match: "/tried/**", mode: shadow, limits: { PRM: 1/min, STD: 1/min } }
admin: { token_file: admin.token }
memory: { buckets: 4MiB, clients: 4MiB }
state: tidelimit.db
)";

  GateTest() { std::filesystem::create_directories(folder_); }
  ~GateTest() override {
    service_.reset();
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  void write_config(const std::string& yaml) {
    // Written aside and renamed, as an editor or a deployment does.
    std::ofstream(folder_ / "gate.new") << yaml;
    std::filesystem::rename(folder_ / "gate.new", folder_ / "gate.yaml");
  }

  void start(const std::string& yaml = kConfig) {
    write_config(yaml);
    auto config = config::load(folder_ / "gate.yaml");
    ASSERT_TRUE(config) << config.error().message;
    std::shared_ptr<engine::History> kept;
    if (!config->state.empty()) {
      auto history = store::SqliteHistory::open(config->state, config->retention);
      ASSERT_TRUE(history) << history.error().message;
      kept = *history;
    }
    engine_ = std::make_shared<engine::Engine>(config->engine, kept, 42);
    ASSERT_TRUE(engine_->restore(clock_.now()));
    auto service = Service::start(std::move(*config), engine_, clock_, {.loops = 2});
    ASSERT_TRUE(service) << service.error().message;
    service_ = std::move(*service);
    std::ifstream(folder_ / "admin.token") >> token_;
  }

  void stop() {
    EXPECT_TRUE(service_->stop(std::chrono::seconds{10}));
    service_.reset();
    engine_.reset();
  }

  [[nodiscard]] std::uint16_t port() const { return service_->listening().http.port; }

  HttpAnswer call(const std::string& method, const std::string& target,
                  const std::string& fields = "", const std::string& body = "") {
    const Url url{.host = "127.0.0.1", .port = std::to_string(port()), .prefix = {}};
    auto answer = http_call(url, method, target, fields, body, std::chrono::seconds{20});
    EXPECT_TRUE(answer) << answer.error().message;
    return answer.value_or(HttpAnswer{});
  }
  HttpAnswer admin(const std::string& method, const std::string& target,
                   const std::string& body = "") {
    return call(method, target, "Authorization: Bearer " + token_ + "\r\n", body);
  }
  HttpAnswer auth(const std::string& client, const std::string& uri, const std::string& fields = "",
                  const std::string& query = "") {
    return call(
        "GET", "/v1/auth" + query,
        fmt::format("X-Forwarded-For: {}\r\nX-Original-URI: {}\r\n{}", client, uri, fields));
  }
  nlohmann::json check(const std::string& body) {
    return nlohmann::json::parse(call("POST", "/v1/check", "", body).body);
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      fmt::format("tidelimit-gate-{}-{}", getpid(),
                  testing::UnitTest::GetInstance()->current_test_info()->name());
  Clock clock_;
  std::shared_ptr<engine::Engine> engine_;
  std::unique_ptr<Service> service_;
  std::string token_;
};

}  // namespace tidelimit::serve
