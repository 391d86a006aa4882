#include "serve/gate/gate.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

#include "gate_fixture.hpp"
#include "socket_client.hpp"

namespace tidelimit::serve {
namespace {

using nlohmann::json;
using std::string;

bool has(const HttpAnswer& answer, const string& line) {
  return answer.head.find("\r\n" + line) != string::npos;
}

TEST_F(GateTest, ChecksAndChargesByUser) {
  start();
  const string body =
      R"({"client_ip":"203.0.113.7","user_id":"u1","tier":"STD","path":"/login/x"})";
  for (int left = 2; left >= 0; --left) {
    const json passed = check(body);
    EXPECT_EQ(passed["allowed"], true);
    EXPECT_EQ(passed["reason"], "ok");
    EXPECT_EQ(passed["endpoint"], "login");
    EXPECT_EQ(passed["tier"], "STD");
    EXPECT_EQ(passed["limit_per_minute"], 3);
    EXPECT_EQ(passed["remaining"], left);
    EXPECT_EQ(passed["retry_after_ms"], 0);
    EXPECT_EQ(passed["verdict"], "normal");
  }
  const json denied = check(body);
  EXPECT_EQ(denied["allowed"], false);
  EXPECT_EQ(denied["reason"], "over_limit");
  EXPECT_GT(denied["retry_after_ms"], 0);
  EXPECT_LE(denied["retry_after_ms"], 20'000);
  EXPECT_TRUE(denied["decision"].is_string());
  // More than the burst never passes, however long one waits.
  EXPECT_EQ(check(R"({"client_ip":"203.0.113.7","path":"/login/x","user_id":"u1","hits":4})")
                ["retry_after_ms"],
            nullptr);
  // The same address with another user has a bucket of its own.
  EXPECT_EQ(check(R"({"client_ip":"203.0.113.7","user_id":"u2","path":"/login/x"})")["allowed"],
            true);
}

TEST_F(GateTest, APeekChargesNothing) {
  start();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(check(R"({"client_ip":"203.0.113.7","path":"/login","hits":0})")["allowed"], true);
  EXPECT_EQ(check(R"({"client_ip":"203.0.113.7","path":"/login","hits":3})")["allowed"], true);
  EXPECT_EQ(check(R"({"client_ip":"203.0.113.7","path":"/login","hits":0})")["allowed"], false);
}

TEST_F(GateTest, NamesTheFirstFieldThatACheckDoesNotRead) {
  start();
  const json right = check(R"({"client_ip":"203.0.113.7","tier":"STD","path":"/login","hits":0})");
  EXPECT_FALSE(right.contains("ignored"));
  const json wrong = check(
      R"({"client_ip":"203.0.113.7","te\u0069r":{"of":["PRM"]},"path":"/login","hits":0,"x":1})");
  EXPECT_EQ(wrong["ignored"], "teir");
  EXPECT_EQ(wrong["allowed"], true);
  EXPECT_EQ(wrong["endpoint"], "login") << "what follows it is read";
  EXPECT_NE(call("GET", "/metrics").body.find("\ntidelimit_unmatched_total{kind=\"field\"} 1\n"),
            string::npos);
}

TEST_F(GateTest, CountsCallsWhoseGatewayLeavesOutTheClientOrTheRoute) {
  start();
  EXPECT_EQ(auth("203.0.113.7", "/login").status, 200);
  for (const char* fields : {"", "X-Forwarded-For: 203.0.113.7\r\n", "X-Real-IP: 203.0.113.7\r\n",
                             "X-Original-URI: /a\r\n", "X-Forwarded-Uri: /a\r\n"})
    EXPECT_EQ(call("GET", "/v1/auth", fields).status, 200);
  EXPECT_EQ(call("GET", "/v1/auth/a", "X-Real-IP: 203.0.113.7\r\n").status, 200);
  const string text = call("GET", "/metrics").body;
  EXPECT_NE(text.find("\ntidelimit_unnamed_total{what=\"client\"} 3\n"), string::npos);
  EXPECT_NE(text.find("\ntidelimit_unnamed_total{what=\"route\"} 3\n"), string::npos);
}

TEST_F(GateTest, AuthPassesWithRateFieldsAndDeniesWithAProblem) {
  start();
  const HttpAnswer passed = auth("203.0.113.7", "/login/a?b");
  EXPECT_EQ(passed.status, 200);
  EXPECT_EQ(passed.body, "");
  EXPECT_TRUE(has(passed, "RateLimit-Policy: \"login-STD\";q=3;w=60\r\n")) << passed.head;
  EXPECT_TRUE(has(passed, "RateLimit: \"login-STD\";r=2;t=20\r\n")) << passed.head;
  EXPECT_EQ(auth("203.0.113.7", "/login/a").status, 200);
  EXPECT_EQ(auth("203.0.113.7", "/login/a").status, 200);
  const HttpAnswer denied = auth("203.0.113.7", "/login/a");
  EXPECT_EQ(denied.status, 429);
  EXPECT_TRUE(has(denied, "Retry-After: 20\r\n")) << denied.head;
  EXPECT_TRUE(has(denied, "RateLimit: \"login-STD\";r=0;t=20\r\n")) << denied.head;
  EXPECT_TRUE(has(denied, "Content-Type: application/problem+json\r\n")) << denied.head;
  const json problem = json::parse(denied.body);
  EXPECT_EQ(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
  EXPECT_EQ(problem["violated-policies"], json::array({"login-STD"}));
  const HttpAnswer for_nginx = auth("203.0.113.7", "/login/a", "", "?deny=403");
  EXPECT_EQ(for_nginx.status, 403);
  EXPECT_TRUE(has(for_nginx, "X-Tidelimit-Status: 429\r\n")) << for_nginx.head;
  EXPECT_EQ(auth("203.0.113.8", "/login/a", "", "?deny=403").status, 200);
  EXPECT_EQ(auth("203.0.113.8", "/login/a", "", "?deny=spam").status, 200)
      << "it may be of the request that is asked about";
  EXPECT_EQ(auth("203.0.113.7", "/login/a", "", "?page=2&deny=").status, 429);
}

TEST_F(GateTest, NoSpellingOfAHeaderOrPathEscapesItsLimit) {
  start();
  for (const char* uri : {"/login", "//login/./x", "/%6cogin/y"})
    EXPECT_EQ(auth("203.0.113.7", uri).status, 200);
  EXPECT_EQ(auth("203.0.113.7", "/x/../login").status, 429);
  EXPECT_EQ(auth("8.8.8.8, 203.0.113.7", "/login").status, 429);
  EXPECT_EQ(auth("203.0.113.7, 127.0.0.1", "/login", "X-Real-IP: 9.9.9.9\r\n").status, 429);
  EXPECT_EQ(auth("203.0.113.7", "/free", "X-Forwarded-Uri: /login\r\n").status, 429);
  EXPECT_EQ(auth("203.0.113.7", "/free").status, 200);
}

TEST_F(GateTest, ShadowAddsNoFieldAndDeniesNothing) {
  start();
  for (int i = 0; i < 4; ++i) {
    const HttpAnswer passed = auth("203.0.113.7", "/tried/x");
    EXPECT_EQ(passed.status, 200);
    EXPECT_EQ(passed.head.find("RateLimit"), string::npos) << passed.head;
  }
  EXPECT_EQ(admin("PUT", "/v1/mode", R"({"all":"shadow"})").status, 200);
  for (int i = 0; i < 5; ++i) {
    const HttpAnswer passed = auth("203.0.113.7", "/login/x");
    EXPECT_EQ(passed.status, 200);
    EXPECT_EQ(passed.head.find("RateLimit"), string::npos) << passed.head;
  }
  const string metrics = call("GET", "/metrics").body;
  EXPECT_NE(metrics.find(R"(outcome="shadow_deny")"), string::npos);
}

TEST_F(GateTest, AnswersOnlyTrustedCallersOnTheGatesCalls) {
  string yaml = kConfig;
  yaml.replace(yaml.find("identity: {"), 11, "identity: { trusted_proxies: [10.0.0.0/8], ");
  start(yaml);
  EXPECT_EQ(auth("203.0.113.7", "/login").status, 403);
  EXPECT_EQ(call("POST", "/v1/check", "", "{}").status, 403);
  EXPECT_EQ(call("POST", "/v1/report", "", "{}").status, 403);
  EXPECT_EQ(call("GET", "/healthz").status, 200);
}

TEST_F(GateTest, NoPageOfAnotherSiteChecksOrReportsByTheBrowserOfATrustedCaller) {
  start();
  const string seen = R"({"client_ip":"203.0.113.77","path":"/login","status":401})";
  for (const string fields :
       {"Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"}) {
    for (const string target : {"/v1/check", "/v1/report", "/v1/report?observe_only=true"}) {
      const HttpAnswer refused = call("POST", target, fields, seen);
      EXPECT_EQ(refused.status, 403) << target;
      EXPECT_NE(refused.body.find("web page"), string::npos) << refused.body;
    }
    EXPECT_EQ(auth("203.0.113.7", "/payment/1", fields).status, 200) << "a gateway hands it on";
  }
  const string own = fmt::format("Origin: http://127.0.0.1:{}\r\n", port());
  EXPECT_EQ(call("POST", "/v1/report", own + "Sec-Fetch-Site: same-origin\r\n", seen).status, 200);
}

TEST_F(GateTest, BadInputIsAnsweredInWords) {
  start();
  EXPECT_EQ(call("POST", "/v1/check", "", "{").status, 400);
  EXPECT_EQ(call("GET", "/v1/check").status, 405);
  EXPECT_EQ(call("POST", "/v1/check", "", string(70'000, ' ')).status, 413);
  EXPECT_EQ(call("POST", "/v1/report", "", "[1]").status, 400);
  const HttpAnswer misspelt = call("POST", "/v1/report?observeonly=true", "", "[]");
  EXPECT_EQ(misspelt.status, 400);
  EXPECT_NE(misspelt.body.find("observeonly"), string::npos);
  EXPECT_EQ(call("GET", "/nothing").status, 404);
  EXPECT_EQ(call("DELETE", "/v1/plan").status, 405);
  const json problem = json::parse(call("POST", "/v1/check", "", R"({"client_ip":"x"})").body);
  EXPECT_EQ(problem["status"], 400);
  EXPECT_NE(problem["detail"].get<string>().find("client_ip"), string::npos);
}

TEST_F(GateTest, WhatNamesClientsNeedsTheToken) {
  start();
  for (const char* target :
       {"/v1/verdicts", "/v1/decisions", "/v1/overrides", "/v1/labels", "/v1/clients/1.2.3.4"}) {
    const HttpAnswer refused = call("GET", target);
    EXPECT_EQ(refused.status, 401) << target;
    EXPECT_TRUE(has(refused, "WWW-Authenticate: Bearer")) << refused.head;
  }
  EXPECT_EQ(call("PUT", "/v1/mode", "", R"({"all":"off"})").status, 401);
  EXPECT_EQ(call("GET", "/v1/verdicts", "Authorization: Bearer wrongwrongwrong\r\n").status, 401);
  EXPECT_EQ(admin("GET", "/v1/verdicts").status, 200);
  for (const char* target : {"/v1/plan", "/v1/forecasts", "/v1/history", "/v1/mode", "/"})
    EXPECT_EQ(call("GET", target).status, 200) << target;
}

TEST_F(GateTest, OverridesActAtOnceAndAreTakenBack) {
  start();
  const string block = R"({"action":"block","reason":"test","for":"1h"})";
  const HttpAnswer made = admin("PUT", "/v1/overrides/203.0.113.0/24", block);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(json::parse(made.body)["by"], "admin");
  EXPECT_TRUE(eventually([&] { return auth("203.0.113.7", "/free").status == 429; }));
  EXPECT_EQ(check(R"({"client_ip":"203.0.113.7","path":"/free"})")["reason"], "override");
  EXPECT_EQ(json::parse(admin("GET", "/v1/overrides").body)["overrides"].size(), 1u);
  EXPECT_EQ(admin("GET", "/v1/overrides/203.0.113.0/24").status, 200);
  EXPECT_EQ(admin("DELETE", "/v1/overrides/203.0.113.0/24").status, 204);
  EXPECT_TRUE(eventually([&] { return auth("203.0.113.7", "/free").status == 200; }));
  EXPECT_EQ(admin("DELETE", "/v1/overrides/203.0.113.0/24").status, 404);

  EXPECT_EQ(admin("PUT", "/v1/overrides/user/u7", R"({"action":"allow","permanent":true})").status,
            200);
  EXPECT_TRUE(eventually([&] {
    return auth("203.0.113.9", "/login", "X-User-Id: u7\r\n").status == 200 &&
           check(R"({"client_ip":"203.0.113.9","user_id":"u7","path":"/login","hits":50})")
                   ["allowed"] == true;
  }));
}

TEST_F(GateTest, OverridesAreCheckedFieldByField) {
  start();
  const auto status = [&](const string& target, const string& body) {
    return admin("PUT", "/v1/overrides/" + target, body).status;
  };
  EXPECT_EQ(status("203.0.113.7", R"({"action":"allow"})"), 400);
  EXPECT_EQ(status("203.0.113.7", R"({"action":"allow","for":"8d"})"), 400);
  for (const char* body :
       {R"({"action":"block","for":"100000d"})", R"({"action":"block","for":"106751d"})"})
    EXPECT_EQ(status("203.0.113.7", body), 400) << "it ends when no time has a name any more";
  EXPECT_EQ(status("203.0.113.7", R"({"action":"allow","for":"1h","permanent":true})"), 400);
  EXPECT_EQ(status("203.0.113.7", R"({"action":"deny","for":"1h"})"), 400);
  const HttpAnswer unlimited =
      admin("PUT", "/v1/overrides/203.0.113.7", R"({"action":"limit","for":"1h"})");
  EXPECT_EQ(unlimited.status, 400);
  EXPECT_EQ(json::parse(unlimited.body)["detail"],
            R"("limit" is missing: a rate such as "10/min")");
  EXPECT_EQ(status("203.0.113.7", R"({"action":"limit","limit":"0/min","for":"1h"})"), 400);
  EXPECT_EQ(status("203.0.113.7", R"({"action":"block","limit":"1/min","for":"1h"})"), 400);
  EXPECT_EQ(status("203.0.113.7", R"({"acton":"block","for":"1h"})"), 400);
  EXPECT_EQ(status("203.0.113.7/8", R"({"action":"block","for":"1h"})"), 400);
  EXPECT_EQ(status("nonsense", R"({"action":"block","for":"1h"})"), 400);
  EXPECT_EQ(status("203.0.113.7", "no json"), 400);
}

TEST_F(GateTest, LabelsActAtOnceAndAreTakenBack) {
  start();
  const auto verdict = [&] {
    return check(R"({"client_ip":"203.0.113.7","path":"/free"})")["verdict"];
  };
  const HttpAnswer made =
      admin("PUT", "/v1/labels/203.0.113.7", R"({"label":"malicious","reason":"ticket 12"})");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(json::parse(made.body)["by"], "admin");
  EXPECT_TRUE(json::parse(made.body)["until"].is_null());
  EXPECT_TRUE(eventually([&] { return verdict() == "malicious"; }));
  EXPECT_EQ(
      admin("PUT", "/v1/labels/2001:db8::5", R"({"label":"not_malicious","for":"1h"})").status,
      200);
  stop();
  start();
  EXPECT_TRUE(eventually([&] { return verdict() == "malicious"; }));
  EXPECT_EQ(json::parse(admin("GET", "/v1/labels").body)["labels"].size(), 2u);
  EXPECT_EQ(admin("GET", "/v1/labels?format=csv").body,
            "client_ip,label\n203.0.113.7,1\n2001:db8::,0\n");
  EXPECT_EQ(json::parse(admin("GET", "/v1/labels/2001:db8::9").body)["label"], "not_malicious");
  EXPECT_EQ(admin("DELETE", "/v1/labels/203.0.113.7").status, 204);
  EXPECT_TRUE(eventually([&] { return verdict() == "normal"; }));
  EXPECT_EQ(admin("DELETE", "/v1/labels/203.0.113.7").status, 404);
  EXPECT_EQ(admin("GET", "/v1/labels/203.0.113.7").status, 404);
}

TEST_F(GateTest, LabelsAreCheckedFieldByField) {
  start();
  const auto status = [&](const string& target, const string& body) {
    return admin("PUT", "/v1/labels/" + target, body).status;
  };
  EXPECT_EQ(status("203.0.113.7", R"({"reason":"x"})"), 400);
  EXPECT_EQ(status("203.0.113.7", R"({"label":"bad"})"), 400);
  EXPECT_EQ(status("203.0.113.7", R"({"label":"malicious","for":"soon"})"), 400);
  EXPECT_EQ(status("203.0.113.7", R"({"label":"malicious","for":"100000d"})"), 400);
  EXPECT_EQ(admin("PUT", "/v1/mode", R"({"all":"off","for":"100000d"})").status, 400);
  EXPECT_EQ(status("203.0.113.7", R"({"label":"malicious","fro":"1h"})"), 400);
  EXPECT_EQ(status("10.0.0.0/8", R"({"label":"malicious"})"), 400);
  EXPECT_EQ(status("nonsense", R"({"label":"malicious"})"), 400);
  EXPECT_EQ(status("203.0.113.7", "no json"), 400);
  EXPECT_EQ(json::parse(admin("GET", "/v1/labels").body)["labels"].size(), 0u);
}

TEST_F(GateTest, OverridesSurviveARestart) {
  start();
  ASSERT_EQ(
      admin("PUT", "/v1/overrides/203.0.113.7", R"({"action":"block","permanent":true})").status,
      200);
  stop();
  start();
  EXPECT_EQ(auth("203.0.113.7", "/free").status, 429);
}

TEST_F(GateTest, SaysOfWhatIsSetByHandWhetherItOutlastsAStop) {
  const auto kept = [&](const string& target, const char* body) {
    const HttpAnswer put = admin("PUT", target, body);
    EXPECT_EQ(put.status, 200) << put.body;
    return json::parse(put.body)["kept"];
  };
  string yaml = kConfig;
  start(yaml);
  EXPECT_EQ(kept("/v1/overrides/203.0.113.7", R"({"action":"block","permanent":true})"), true);
  EXPECT_EQ(kept("/v1/labels/203.0.113.7", R"({"label":"malicious"})"), true);
  stop();
  start(yaml.erase(yaml.find("state:")));
  EXPECT_EQ(kept("/v1/overrides/203.0.113.7", R"({"action":"block","permanent":true})"), false);
  EXPECT_EQ(kept("/v1/labels/203.0.113.7", R"({"label":"malicious"})"), false);
}

TEST_F(GateTest, TheModeSwitchPassesEverythingAtOnce) {
  start();
  for (int i = 0; i < 4; ++i) (void)auth("203.0.113.7", "/login");
  EXPECT_EQ(auth("203.0.113.7", "/login").status, 429);
  const HttpAnswer set = admin("PUT", "/v1/mode", R"({"all":"off","for":"1h","reason":"sale"})");
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(json::parse(set.body)["all"], "off");
  EXPECT_EQ(auth("203.0.113.7", "/login").status, 200);
  EXPECT_EQ(admin("PUT", "/v1/mode", R"({"all":"on"})").status, 400);
  EXPECT_EQ(admin("PUT", "/v1/mode", R"({"all":"off","reason":7})").status, 400);
  EXPECT_EQ(admin("PUT", "/v1/mode", R"({"everything":"off"})").status, 400);
  EXPECT_EQ(admin("PUT", "/v1/mode", "{}").status, 400);
}

TEST_F(GateTest, ModesOfPartsAreSetAndToldApart) {
  start();
  const HttpAnswer set =
      admin("PUT", "/v1/mode", R"({"endpoint/login":{"enforce":"5%"},"for":"1h","reason":"try"})");
  ASSERT_EQ(set.status, 200) << set.body;
  const json modes = json::parse(admin("GET", "/v1/modes").body);
  for (const json& part : modes["parts"]) {
    EXPECT_EQ(part["by_hand"], part["part"] == "endpoint/login") << part;
    if (part["part"] != "endpoint/login") continue;
    EXPECT_EQ(part["enforced_ratio"], 0.05);
    EXPECT_EQ(part["configured"]["enforced_ratio"], 1);
    EXPECT_EQ(part["reason"], "try");
    EXPECT_TRUE(part["until"].is_string());
  }
  EXPECT_TRUE(eventually([&] {
    return call("GET", "/metrics")
               .body.find("tidelimit_part_enforced_ratio{part=\"endpoint/login\"} 0.05") !=
           string::npos;
  }));
  stop();
  start();
  EXPECT_EQ(json::parse(admin("GET", "/v1/modes/changes").body)["changes"].size(), 1u);
  EXPECT_EQ(json::parse(admin("GET", "/v1/plan").body)["modes_by_hand"].size(), 1u)
      << "kept over a restart";
  EXPECT_EQ(admin("PUT", "/v1/mode", R"({"endpoint/login":"configured"})").status, 200);
  EXPECT_TRUE(json::parse(admin("GET", "/v1/plan").body)["modes_by_hand"].empty());
  for (const char* wrong :
       {R"({"endpoint/nobody":"off"})", R"({"rule/7":"off"})", R"({"all":{"enforce":"0%"}})",
        R"({"all":{"enforce":2}})", R"({"all":{"shadow":"5%"}})", R"({"all":["off"]})"})
    EXPECT_EQ(admin("PUT", "/v1/mode", wrong).status, 400) << wrong;
}

TEST_F(GateTest, ReturnsToAnEarlierConfigurationUntilTheFileChanges) {
  start();
  string strict(kConfig);
  const string loose = "STD: 3/min";
  strict.replace(strict.find(loose), loose.size(), "STD: 1/min");
  const auto in_force = [&] {
    return json::parse(admin("GET", "/v1/configs").body)["in_force"].get<string>();
  };
  const string first = in_force();
  write_config(strict);
  ASSERT_TRUE(eventually([&] { return in_force() != first; }));
  const string second = in_force();
  json found = json::parse(admin("GET", "/v1/configs").body);
  ASSERT_EQ(found["configurations"].size(), 2u);
  EXPECT_EQ(found["configurations"][0]["fingerprint"], second);
  EXPECT_EQ(found["configurations"][0]["lines_added"], 1);
  EXPECT_EQ(found["configurations"][0]["lines_removed"], 1);
  found = json::parse(admin("GET", "/v1/configs/" + second).body);
  EXPECT_EQ(found["text"], strict);
  EXPECT_EQ(found["changes"].size(), 2u);

  ASSERT_EQ(admin("PUT", "/v1/configs/" + first, R"({"reason":"ticket 7"})").status, 200);
  ASSERT_TRUE(eventually([&] { return in_force() == first; }));
  EXPECT_EQ(json::parse(admin("GET", "/v1/configs").body)["hold"]["reason"], "ticket 7");
  EXPECT_NE(call("GET", "/readyz?verbose").body.find("ticket 7"), string::npos);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(auth("203.0.113.7", "/login").status, 200);

  ASSERT_EQ(admin("DELETE", "/v1/configs/hold").status, 200);
  ASSERT_TRUE(eventually([&] { return in_force() == second; }));
  EXPECT_EQ(admin("DELETE", "/v1/configs/hold").status, 404);

  ASSERT_EQ(admin("PUT", "/v1/configs/" + first).status, 200);
  ASSERT_TRUE(eventually([&] { return in_force() == first; }));
  write_config(strict + "# changed\n");
  ASSERT_TRUE(eventually([&] { return in_force() != first; }));
  found = json::parse(admin("GET", "/v1/configs").body);
  EXPECT_TRUE(found["hold"].is_null());
  EXPECT_EQ(found["configurations"].size(), 3u);

  EXPECT_EQ(admin("PUT", "/v1/configs/0123456789ab").status, 404);
  EXPECT_EQ(admin("PUT", "/v1/configs/" + first, R"({"why":"x"})").status, 400);
  EXPECT_EQ(call("GET", "/v1/configs").status, 401);
}

TEST_F(GateTest, DecisionsSayWhy) {
  start();
  for (int i = 0; i < 5; ++i) (void)auth("203.0.113.7", "/login", "X-User-Id: u1\r\n");
  json found;
  ASSERT_TRUE(eventually([&] {
    found = json::parse(admin("GET", "/v1/decisions?user=u1&since=1h").body)["decisions"];
    return !found.empty() && found[0]["outcome"] == "deny";
  }));
  EXPECT_EQ(found[0]["reason"], "over_limit");
  EXPECT_EQ(found[0]["endpoint"], "login");
  EXPECT_EQ(found[0]["client"], "203.0.113.7");
  const string id = found[0]["decision"];
  const json by_id = json::parse(admin("GET", "/v1/decisions?id=" + id).body)["decisions"];
  ASSERT_EQ(by_id.size(), 1u);
  EXPECT_EQ(by_id[0]["decision"], id);
  EXPECT_EQ(admin("GET", "/v1/decisions?since=yesterday").status, 400);
  const HttpAnswer no_client = admin("GET", "/v1/decisions?client=abc");
  EXPECT_EQ(no_client.status, 400);
  EXPECT_NE(no_client.body.find("client"), string::npos);
  EXPECT_EQ(admin("GET", "/v1/decisions?client=2001:db8::1").status, 200);
}

TEST_F(GateTest, MetricsCountWhatWasDecided) {
  start();
  for (int i = 0; i < 5; ++i) (void)auth("203.0.113.7", "/login");
  string text;
  const auto counted = [&](const string& series) {
    const std::size_t at = text.find(series);
    return at == string::npos ? -1.0 : std::stod(text.substr(text.find(' ', at)));
  };
  // A loop times a turn when it is over, which may be after its answers have arrived.
  EXPECT_TRUE(eventually([&] {
    text = call("GET", "/metrics").body;
    return counted("tidelimit_decision_seconds_count") >= 5;
  }));
  EXPECT_EQ(
      counted(
          R"(tidelimit_decisions_total{endpoint="login",tier="STD",outcome="allow",reason="ok"})"),
      3);
  EXPECT_EQ(
      counted(
          R"(tidelimit_decisions_total{endpoint="login",tier="STD",outcome="deny",reason="over_limit"})"),
      2);
  EXPECT_EQ(counted("tidelimit_decision_seconds_count"), 5);
}

TEST_F(GateTest, ReportsAreTakenSmallAndLarge) {
  start();
  const string one =
      R"({"client_ip":"203.0.113.7","path":"/payment/1","tier":"STD","status":200,"latency_ms":5})";
  EXPECT_EQ(call("POST", "/v1/report", "", one).body, "{\"accepted\":1}\n");
  string many = "[" + one;
  for (int i = 1; i < 2000; ++i) many += "," + one;
  many += "]";
  ASSERT_GT(many.size(), 100'000u);
  EXPECT_EQ(call("POST", "/v1/report", "", many).body, "{\"accepted\":2000}\n");
  const string text = call("GET", "/metrics").body;
  const string series =
      R"(tidelimit_requests_observed_total{endpoint="payment",tier="STD",status_class="2xx"} )";
  const std::size_t at = text.find(series);
  ASSERT_NE(at, string::npos);
  EXPECT_EQ(std::stod(text.substr(at + series.size())), 2001);
}

TEST_F(GateTest, A503ThatMayBeItsOwnIsNoErrorOfTheService) {
  start(string(kConfig) + "deny: { reduced_capacity: 503 }\n");
  const auto report = [&](const string& more) {
    const string seen =
        R"({"client_ip":"203.0.113.7","path":"/payment/1","tier":"STD","status":503)" + more + "}";
    EXPECT_EQ(call("POST", "/v1/report", "", seen).body, "{\"accepted\":1}\n");
  };
  report("");
  report(R"(,"own_denial":false)");
  const string text = call("GET", "/metrics").body;
  const auto has_observed = [&](const char* status_class) {
    return text.find(fmt::format(
               R"(tidelimit_requests_observed_total{{endpoint="payment",tier="STD",status_class="{}"}} 1)",
               status_class)) != string::npos;
  };
  EXPECT_TRUE(has_observed("unknown"));
  EXPECT_TRUE(has_observed("5xx"));
}

TEST(WhoseAnswer, IsToldByTheStatusWhereNobodySaysIt) {
  traffic::Request seen;
  const auto whose = [&](std::uint16_t status, std::optional<bool> said, int deny_status) {
    seen.status = status;
    seen.own_denial = said;
    return whose_answer(seen, deny_status);
  };
  EXPECT_EQ(whose(429, {}, 429), Whose::own);
  EXPECT_EQ(whose(503, {}, 429), Whose::service);
  EXPECT_EQ(whose(429, {}, 503), Whose::own) << "limits are kept with it still";
  EXPECT_EQ(whose(503, {}, 503), Whose::unknown);
  EXPECT_EQ(whose(503, true, 503), Whose::own);
  EXPECT_EQ(whose(503, false, 503), Whose::service);
  EXPECT_EQ(whose(429, false, 429), Whose::service);
  EXPECT_EQ(whose(200, true, 429), Whose::own);
}

TEST_F(GateTest, TakesAccessLogsBySyslog) {
  start();
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(service_->listening().syslog->port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto tell = [&](const string& datagram) {
    ASSERT_GT(sendto(fd, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&to),
                     sizeof to),
              0);
  };
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now().wall);
  const string line = fmt::format(
      R"({{"time":"{}","remote_addr":"203.0.113.7","request":"GET /payment/1 HTTP/1.1","status":502}})",
      format_time(now));
  tell("<190>Nov 24 10:00:00 web nginx: " + line);
  tell("<190>Nov 24 10:00:00 nginx: no access log at all");
  close(fd);
  EXPECT_TRUE(eventually([&] {
    const string text = call("GET", "/metrics").body;
    return text.find(
               R"(tidelimit_requests_observed_total{endpoint="payment",tier="STD",status_class="5xx"} 1)") !=
           string::npos;
  }));
}

TEST_F(GateTest, AChangedConfigurationIsTakenUpAndABadOneRefused) {
  start();
  string yaml = kConfig;
  yaml.replace(yaml.find("STD: 3/min"), 10, "STD: 6/min");
  write_config(yaml);
  EXPECT_TRUE(eventually([&] {
    return check(R"({"client_ip":"203.0.113.7","path":"/login","hits":0})")["limit_per_minute"] ==
           6;
  }));
  write_config("mode: enforced\n");
  EXPECT_TRUE(eventually([&] {
    return call("GET", "/metrics").body.find("tidelimit_config_last_reload_successful 0") !=
           string::npos;
  }));
  EXPECT_NE(call("GET", "/readyz?verbose").body.find("gate.yaml:1"), string::npos);
  EXPECT_EQ(check(R"({"client_ip":"203.0.113.7","path":"/login","hits":0})")["limit_per_minute"],
            6);
  write_config(yaml);
  EXPECT_TRUE(eventually([&] {
    return call("GET", "/metrics").body.find("tidelimit_config_last_reload_successful 1") !=
           string::npos;
  }));
}

TEST_F(GateTest, ModelsThatAreNotLoadedAreNotFoundAsTensorFlowServingSays) {
  start();
  for (const char* target :
       {"/v1/models/traffic", "/v1/models/anomaly/metadata", "/v1/models/other"}) {
    const HttpAnswer answer = call("GET", target);
    EXPECT_EQ(answer.status, 404) << target;
    EXPECT_TRUE(json::parse(answer.body).contains("error")) << answer.body;
  }
  EXPECT_EQ(call("POST", "/v1/models/traffic:predict", "", R"({"instances":[]})").status, 404);
}

TEST_F(GateTest, AnswersWhileTheGateIsAsked) {
  start();
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      SocketClient client(port());
      for (int i = 0; i < 300; ++i) {
        client.send(
            fmt::format("GET /v1/auth HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.{}.0.{}\r\n"
                        "X-Original-URI: /payment/1\r\n\r\n",
                        t, i % 250));
        if (client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200")) ++good;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(call("GET", "/v1/plan").status, 200);
    EXPECT_EQ(admin("GET", "/v1/decisions").status, 200);
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 1200);
}

TEST_F(GateTest, ASecondGateOnItsPortIsRefused) {
  start();
  auto config = config::load(folder_ / "gate.yaml");
  ASSERT_TRUE(config);
  config->listen = service_->listening();
  auto second = Service::start(std::move(*config), engine_, clock_, {.loops = 1});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use"), string::npos);
}

TEST_F(GateTest, StopsWithinMomentsAndSaysSoBefore) {
  start();
  EXPECT_EQ(call("GET", "/readyz").status, 200);
  SocketClient idle(port());
  const auto begin = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{5});
}

TEST_F(GateTest, AChangedRetentionHoldsWithoutARestart) {
  start();
  const auto history = engine_->history();
  engine::DecisionRecord old;
  old.id = old.client = "old";
  old.time = clock_.now().wall - std::chrono::hours{2};
  ASSERT_TRUE(history->put_decisions({old}));
  engine::DecisionQuery asked;
  asked.client = "old";
  ASSERT_EQ(history->decisions(asked)->size(), 1U);
  write_config(string(kConfig) + "retention: { decisions: 1h }\n");
  EXPECT_TRUE(eventually([&] {
    engine::DecisionRecord fresh;
    fresh.id = fresh.client = "fresh";
    fresh.time = clock_.now().wall;
    return history->put_decisions({fresh}) && history->decisions(asked)->empty();
  }));
}

}  // namespace
}  // namespace tidelimit::serve
