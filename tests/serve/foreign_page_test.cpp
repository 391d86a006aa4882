#include "serve/gate/foreign_page.hpp"

#include <gtest/gtest.h>

namespace tidelimit::serve {
namespace {

bool foreign(const std::string& host, const std::string& fields) {
  const std::string bytes = "POST /v1/check HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n";
  Head head;
  Refusal refusal;
  EXPECT_EQ(parse_head(bytes, head, refusal), Parse::complete) << refusal.why;
  return is_from_foreign_page(head);
}

TEST(ForeignPage, AProgramSaysNothingOfPages) {
  EXPECT_FALSE(foreign("gate.internal:8080", "Content-Type: application/json\r\n"));
  EXPECT_FALSE(foreign("gate.internal:8080", "sec-fetch-mode: cors\r\n")) << "fetch of Node";
}

TEST(ForeignPage, OneOfItsOwnAddressIsNotForeign) {
  EXPECT_FALSE(foreign("127.0.0.1:8080", "Origin: http://127.0.0.1:8080\r\n"));
  EXPECT_FALSE(foreign("[::1]:8080", "Origin: http://[::1]:8080\r\n"));
  EXPECT_FALSE(foreign("localhost:8080", "origin: http://localhost:8080\r\n"));
  EXPECT_FALSE(foreign("10.0.0.5", "Sec-Fetch-Site: same-origin\r\nOrigin: http://10.0.0.5\r\n"));
  EXPECT_FALSE(foreign("10.0.0.5", "Sec-Fetch-Site: none\r\n")) << "typed by a person";
}

TEST(ForeignPage, AnyOtherIs) {
  EXPECT_TRUE(foreign("127.0.0.1:8080", "Origin: http://evil.example\r\n"));
  EXPECT_TRUE(foreign("127.0.0.1:8080", "Origin: http://127.0.0.1:3000\r\n"));
  EXPECT_TRUE(foreign("127.0.0.1:8080", "Origin: null\r\n"));
  EXPECT_TRUE(foreign("127.0.0.1:8080", "Origin: \r\n"));
  EXPECT_TRUE(foreign("127.0.0.1:8080", "Sec-Fetch-Site: cross-site\r\n"));
  EXPECT_TRUE(foreign("127.0.0.1:8080", "Sec-Fetch-Site: same-site\r\n"));
}

TEST(ForeignPage, ANameThatAPageGaveTheGatesAddressIsNotItsOwn) {
  EXPECT_TRUE(foreign("evil.example:8080", "Origin: http://evil.example:8080\r\n"));
  EXPECT_TRUE(foreign("127.0.0.1.evil.example", "Origin: http://127.0.0.1.evil.example\r\n"));
}

}  // namespace
}  // namespace tidelimit::serve
