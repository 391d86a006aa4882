#include "serve/front.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "gate_fixture.hpp"
#include "socket_client.hpp"

namespace tidelimit::serve {
namespace {

TEST_F(GateTest, NoSpellingOfReadyzTakesTheVerbosePartFromAnother) {
  start();
  ASSERT_TRUE(eventually([&] { return call("GET", "/readyz").status == 200; }));
  for (const char* target : {"//readyz", "/readyz/", "/%72eadyz", "/readyz?verbos"})
    EXPECT_EQ(call("GET", target).body, "ready\n") << target;
  const auto get = [](const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  };
  // Those who ask at one time share an answer: that of who asked first.
  for (int round = 0; round < 40; ++round) {
    std::vector<SocketClient> others;
    for (int i = 0; i < 4; ++i) others.emplace_back(port());
    SocketClient asking(port());
    for (SocketClient& other : others) other.send(get("//readyz"));
    asking.send(get("//readyz?verbose"));
    const std::string answer = asking.read_all();
    ASSERT_NE(answer.find("degraded"), std::string::npos) << answer;
  }
}

}  // namespace
}  // namespace tidelimit::serve
