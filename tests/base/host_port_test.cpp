#include "base/host_port.hpp"

#include <gtest/gtest.h>

namespace tidelimit {
namespace {

TEST(HostPort, ReadsAddressesOnly) {
  EXPECT_EQ(parse_host_port("127.0.0.1:0").value(), (HostPort{"127.0.0.1", 0}));
  EXPECT_EQ(parse_host_port("[::1]:8080").value(), (HostPort{"::1", 8080}));
  EXPECT_EQ(format_host_port({"::1", 8080}), "[::1]:8080");
  for (const char* bad : {"", ":8080", "127.0.0.1", "127.0.0.1:", "::1:8080", "[127.0.0.1]:1",
                          "localhost:1", "127.0.0.1:65536", "127.0.0.1:-1", "[::1]", "[]:1"}) {
    EXPECT_FALSE(parse_host_port(bad)) << bad;
  }
}

}  // namespace
}  // namespace tidelimit
