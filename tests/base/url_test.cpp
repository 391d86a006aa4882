#include "base/url.hpp"

#include <gtest/gtest.h>

namespace tidelimit {
namespace {

std::string parts(std::string_view text) {
  const auto url = parse_url(text);
  return url ? url->host + " " + url->port + " " + url->prefix : url.error().message;
}

TEST(Url, IsWhereAnHttpServerAnswers) {
  EXPECT_EQ(parts("http://127.0.0.1:8080"), "127.0.0.1 8080 ");
  EXPECT_EQ(parts("http://[::1]:8080/"), "::1 8080 ");
  EXPECT_EQ(parts("http://[::1]"), "::1 80 ");
  EXPECT_EQ(parts("http://prometheus/behind/it/"), "prometheus 80 /behind/it");
  EXPECT_EQ(parts("localhost:9090"), "localhost 9090 ");
}

TEST(Url, IsWrittenWhole) {
  EXPECT_EQ(format_url(*parse_url("[::1]/behind/it/")), "http://[::1]:80/behind/it");
  EXPECT_EQ(format_url(*parse_url("localhost:9090")), "http://localhost:9090");
}

TEST(Url, IsNoOtherSchemeAndNoOtherPort) {
  EXPECT_EQ(parts("http://127.0.0.1:0"),
            "\"http://127.0.0.1:0\" is no address of an HTTP server; write http://HOST:PORT");
  for (const char* bad : {"", "http://", "https://host:1", "http://host:", "http://host:65536",
                          "http://host:-1", "http://[::1", "http://[::1]8080", "http://:80"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

}  // namespace
}  // namespace tidelimit
