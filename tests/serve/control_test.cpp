#include "serve/control.hpp"

#include <gtest/gtest.h>

namespace tidelimit::serve {
namespace {

using Names = std::vector<std::string>;

TEST(Control, NamesEveryAddressThatAReloadCanNotMove) {
  const config::Config before;
  EXPECT_EQ(fixed_settings_changed(before, before), Names{});
  const HostPort other{"127.0.0.1", 9};
  config::Config after;
  // Taken apart, so that a new member is missed here and not by whoever changes it.
  auto& [http, grpc, syslog, admin, metrics] = after.listen;
  http = other;
  EXPECT_EQ(fixed_settings_changed(before, after), Names{"listen.http"});
  const std::pair<std::optional<HostPort>*, const char*> optional[]{{&grpc, "listen.grpc"},
                                                                    {&syslog, "listen.syslog"},
                                                                    {&admin, "listen.admin"},
                                                                    {&metrics, "listen.metrics"}};
  for (const auto& [where, name] : optional) {
    after.listen = before.listen;
    *where = other;
    EXPECT_EQ(fixed_settings_changed(before, after), Names{name});
  }
}

}  // namespace
}  // namespace tidelimit::serve
