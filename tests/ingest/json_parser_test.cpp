#include "ingest/json_parser.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

/// The one request of a line.
Owned read(const std::string& line, std::vector<std::string> fields = {}) {
  const Reading reading = read_text(line + "\n", options("json", std::move(fields)));
  EXPECT_EQ(reading.requests.size(), 1u)
      << line << "\n"
      << (reading.report.examples.empty() ? "" : describe(reading.report.examples.front()));
  return reading.requests.empty() ? Owned{} : reading.requests.front();
}

TEST(Json, KnowsNginxNames) {
  const Owned r =
      read(R"({"time_iso8601":"2026-11-24T10:00:00+01:00","remote_addr":"203.0.113.7",)"
           R"("remote_user":"","request":"GET /a?b=\"c\" HTTP/1.1","status":"200",)"
           R"("body_bytes_sent":"17","request_time":"0.012","http_user_agent":"curl\/7.88",)"
           R"("http_x_user_id":"u1","http_x_user_tier":"PRM"})");
  EXPECT_EQ(r.time, "2026-11-24T09:00:00Z");
  EXPECT_EQ(r.client, "203.0.113.7");
  EXPECT_EQ(r.method, "GET");
  EXPECT_EQ(r.path, "/a?b=\"c\"");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.bytes, 17);
  EXPECT_FLOAT_EQ(r.latency_ms, 12.0f);
  EXPECT_EQ(r.agent, "curl/7.88");
  EXPECT_EQ(r.user, "u1");
  EXPECT_EQ(r.tier, "PRM");
}

TEST(Json, ReadsNumbersThatNoNumberTypeHolds) {
  const std::string rest = R"(,"msec":1764000000.5,"client_ip":"192.0.2.7","request_uri":"/a")";
  const Owned large =
      read(R"({"user_id":123456789012345678901234567890,"trace":-9223372036854775809)" + rest +
           R"(,"note":"1e400 \" 1e400","weight":1e400,"all":[-1E+999,0.5e3,{"x":1.5e999}]})");
  EXPECT_EQ(large.user, "123456789012345678901234567890");
  EXPECT_EQ(large.path, "/a");
  EXPECT_EQ(large.time, "2025-11-24T16:00:00.500Z");
  const Owned odd = read(R"({"request_time":1e400,"bytes":1e400)" + rest + "}");
  EXPECT_TRUE(std::isnan(odd.latency_ms));
  EXPECT_EQ(odd.bytes, -1);
  EXPECT_EQ(read("{\"trace\":1e400,\"user_agent\":\"caf\xe9\"" + rest + "}").agent, "caf\xe9");
  for (const char* const wrong :
       {R"({"a":1e400,"b":01})", R"({"a":1e400,"b":1.})", R"({"a":1e400,"b":-})",
        R"({"a":1e400e1})", R"({"a":1e400 1})", R"({"a":1e})", R"({"a":1e+)"}) {
    const Reading reading = read_text(std::string(wrong) + "\n{}\n", options("json"));
    EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(Unreadable::bad_json)], 1u)
        << wrong;
  }
}

TEST(Json, SaysWhoRefusedWhereTheLogDoes) {
  const auto said = [](const std::string& field) {
    return read(
               R"({"msec":"1764000000.5","client_ip":"192.0.2.7","request_uri":"/","status":"503")" +
               field + "}")
        .own_denial;
  };
  EXPECT_EQ(said(R"(,"own_denial":"true")"), true) << "as nginx writes it";
  EXPECT_EQ(said(R"(,"own_denial":"false")"), false);
  EXPECT_EQ(said(R"(,"own_denial":true)"), true);
  EXPECT_EQ(said(R"(,"own_denial":"1")"), true);
  EXPECT_EQ(said(R"(,"own_denial":"yes")"), std::nullopt);
  EXPECT_EQ(said(R"(,"own_denial":"")"), std::nullopt);
  EXPECT_EQ(said(R"(,"own_denial":[{}])"), std::nullopt);
  EXPECT_EQ(said(""), std::nullopt);
}

/// By the line alone; RecordReader believes it by those before.
traffic::Asked asked_by(const std::string& field) {
  std::string line =
      R"({"msec":"1764000000.5","client_ip":"192.0.2.7","request_uri":"/")" + field + "}";
  line.reserve(line.size() + kLinePadding);
  JsonParser parser{JsonNames()};
  traffic::Request request;
  EXPECT_EQ(parser.parse(line, request), Unreadable::none) << line;
  return request.asked;
}

TEST(Json, SaysWhetherTheGateWasAskedAndAnswered) {
  using enum traffic::Asked;
  EXPECT_EQ(asked_by(R"(,"asked":"1","gate":"")"), answered) << "as nginx writes it";
  EXPECT_EQ(asked_by(R"(,"asked":"0","gate":"")"), never);
  EXPECT_EQ(asked_by(R"(,"asked":"1","gate":"down")"), unanswered);
  EXPECT_EQ(asked_by(R"(,"gate":"down")"), unanswered) << "a log of before `asked`";
  EXPECT_EQ(asked_by(R"(,"gate":"")"), unsaid);
  EXPECT_EQ(asked_by(R"(,"asked":"")"), unsaid);
  EXPECT_EQ(asked_by(""), unsaid);
}

TEST(Json, TakesNoOtherServicesWordsForOurs) {
  for (const char* field :
       {R"(,"asked":0)", R"(,"asked":1)", R"(,"asked":false)", R"(,"asked":"false")",
        R"(,"asked":"yes")", R"(,"asked":"00")", R"(,"asked":["0"])", R"(,"asked":{"0":"0"})",
        R"(,"asked":null)", R"(,"gate":"B12")", R"(,"gate":12)", R"(,"gate":"Down")",
        R"(,"gate":false)", R"(,"gate":{"down":"down"})", R"(,"gate":["down"])"})
    EXPECT_EQ(asked_by(field), traffic::Asked::unsaid) << field;
}

TEST(Json, SaysThatNoLineHasAFieldThatWasNamed) {
  const std::string line =
      R"({"time":1764000000,"client_ip":"192.0.2.7","path":"/","who":{"id":7}})";
  const auto problems = [&](std::vector<std::string> fields) {
    return read_text(line + "\n", options("json", std::move(fields))).report.problems;
  };
  EXPECT_EQ(problems({"user_id=who.id"}), std::vector<std::string>{});
  EXPECT_EQ(problems({"user_id=who.idd"}),
            std::vector<std::string>{"--field user_id=who.idd: no line has a field or column of "
                                     "this name: it changes nothing"});
}

TEST(Json, ReadsDurationsThatNameTheirUnit) {
  const std::pair<const char*, float> cases[] = {
      {"250ms", 250}, {"0.25s", 250}, {"250us", 0.25f}, {"2.5 ms", 2.5f}, {"90ns", 90e-6f}};
  for (const auto& [text, expected] : cases) {
    const Owned r = read(R"({"time":1764000000,"client_ip":"192.0.2.7","path":"/","duration":")" +
                         std::string(text) + "\"}");
    EXPECT_FLOAT_EQ(r.latency_ms, expected) << text;
  }
}

TEST(Json, TellsLargeNumbersOfUsersApart) {
  const auto line = [](const char* user) {
    return std::string(
               R"({"timestamp":1764000000,"client_ip":"192.0.2.7","path":"/a","user_id":)") +
           user + "}\n";
  };
  const Reading reading =
      read_text(line("12345678901234567890") + line("12345678901234567891") + line("-5"));
  ASSERT_EQ(reading.requests.size(), 3u);
  EXPECT_EQ(reading.requests[0].user, "12345678901234567890");
  EXPECT_EQ(reading.requests[1].user, "12345678901234567891");
  EXPECT_EQ(reading.requests[2].user, "-5");
}

TEST(Json, KnowsEnvoyNames) {
  const Owned r =
      read(R"({"start_time":"2026-11-24T10:00:00.123Z","method":"POST","path":"/pay","protocol":)"
           R"("HTTP/1.1","response_code":503,"response_flags":"UF","bytes_sent":91,"duration":52,)"
           R"("upstream_service_time":"50","x_forwarded_for":"198.51.100.1, 203.0.113.7",)"
           R"("user_agent":"grpc-go/1.5","downstream_remote_address":"10.0.0.2:41000"})");
  EXPECT_EQ(r.time, "2026-11-24T10:00:00.123Z");
  EXPECT_EQ(r.client, "203.0.113.7");
  EXPECT_EQ(r.method, "POST");
  EXPECT_EQ(r.path, "/pay");
  EXPECT_EQ(r.status, 503);
  EXPECT_EQ(r.bytes, 91);
  EXPECT_FLOAT_EQ(r.latency_ms, 52.0f);  // Envoy's duration is in milliseconds
  EXPECT_EQ(r.agent, "grpc-go/1.5");
}

TEST(Json, ARequestWithoutAPathIsAsOneOfGarbage) {
  const Owned r = read(
      R"({"start_time":"2026-11-24T10:00:00.123Z","method":null,"path":null,"user_agent":null,)"
      R"("response_code":400,"response_flags":"DPE","x_forwarded_for":null,)"
      R"("downstream_remote_address":"203.0.113.7:41000"})");
  EXPECT_EQ(r.client, "203.0.113.7");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.path, "");
  EXPECT_EQ(r.method, "");
}

TEST(Json, KnowsCaddyNames) {
  const Owned r = read(
      R"({"level":"info","ts":1764000000.25,"logger":"http.log.access","msg":"handled request",)"
      R"("request":{"remote_ip":"203.0.113.7","remote_port":"41342","client_ip":"203.0.113.9",)"
      R"("proto":"HTTP/2.0","method":"GET","host":"localhost","uri":"/x?y","headers":{)"
      R"("User-Agent":["curl/7.82.0","second"],"X-User-Id":["u7"],"Accept":["*/*"]},)"
      R"("tls":{"resumed":false,"version":772}},"bytes_read":0,"user_id":"",)"
      R"("duration":0.000929675,"size":10900,"status":200,"resp_headers":{"Server":["Caddy"]}})");
  EXPECT_EQ(r.time, "2025-11-24T16:00:00.250Z");
  EXPECT_EQ(r.client, "203.0.113.9");
  EXPECT_EQ(r.method, "GET");
  EXPECT_EQ(r.path, "/x?y");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.bytes, 10900);
  EXPECT_FLOAT_EQ(r.latency_ms, 0.929675f);  // Caddy's duration is in seconds
  EXPECT_EQ(r.agent, "curl/7.82.0");
  EXPECT_EQ(r.user, "u7");
}

TEST(Json, KnowsTraefikNames) {
  const Owned r = read(
      R"({"ClientAddr":"10.0.0.2:4711","ClientHost":"198.51.100.1, 203.0.113.7",)"
      R"("ClientUsername":"-","DownstreamContentSize":19,"DownstreamStatus":404,)"
      R"("Duration":61853171,"OriginStatus":200,"RequestMethod":"GET","RequestPath":"/z",)"
      R"("StartUTC":"2026-11-24T10:00:00.123456789Z","StartLocal":"2026-11-24T11:00:00+01:00",)"
      R"("request_User-Agent":"Traefik tester","time":"2026-11-24T10:00:01Z","level":"info"})");
  EXPECT_EQ(r.time, "2026-11-24T10:00:00.123456789Z");
  EXPECT_EQ(r.client, "203.0.113.7");
  EXPECT_EQ(r.user, "");
  EXPECT_EQ(r.path, "/z");
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.bytes, 19);
  EXPECT_NEAR(r.latency_ms, 61.853171f, 1e-4);  // Traefik's Duration is in nanoseconds
  EXPECT_EQ(r.agent, "Traefik tester");
}

TEST(Json, KnowsElasticNamesNestedAndFlat) {
  for (const char* line :
       {R"({"@timestamp":"2026-11-24T10:00:00Z","source":{"ip":"203.0.113.7"},"url":{"path":"/p"},)"
        R"("http":{"request":{"method":"GET"},"response":{"status_code":201}},)"
        R"("user_agent":{"original":"ua"},"user":{"id":17},"event":{"duration":3000000}})",
        R"({"@timestamp":"2026-11-24T10:00:00Z","source.ip":"203.0.113.7","url.path":"/p",)"
        R"("http.request.method":"GET","http.response.status_code":201,)"
        R"("user_agent.original":"ua","user.id":17,"event.duration":3000000})"}) {
    const Owned r = read(line);
    EXPECT_EQ(r.client, "203.0.113.7");
    EXPECT_EQ(r.path, "/p");
    EXPECT_EQ(r.method, "GET");
    EXPECT_EQ(r.status, 201);
    EXPECT_EQ(r.agent, "ua");
    EXPECT_EQ(r.user, "17");
    EXPECT_FLOAT_EQ(r.latency_ms, 3.0f);
  }
}

TEST(Json, FindsFieldsWhereItIsTold) {
  const Owned r =
      read(R"({"when":1764000000,"net":{"Peers":[{"ip":"203.0.113.7"}]},"what":"/p","status":"no",)"
           R"("code":418,"client_ip":"192.0.2.1","took":"7"})",
           {"timestamp=when", "client_ip=net.peers[0].ip", "path=what", "status=code",
            "latency_ms=took"});
  EXPECT_EQ(r.client, "203.0.113.7");
  EXPECT_EQ(r.path, "/p");
  EXPECT_EQ(r.status, 418);
  EXPECT_FLOAT_EQ(r.latency_ms, 7.0f);
}

TEST(Json, ReadsBytesThatAreNoUtf8AsTheyCame) {
  // nginx's escape=json leaves bytes from 0x80 on as the client sent them.
  const auto line = [](const std::string& uri, const std::string& agent) {
    return R"({"msec":"1764000000.5","client_ip":"203.0.113.7","user_id":"zo\u00eb","request_uri":")" +
           uri + R"(","user_agent":")" + agent + "\"}";
  };
  const Owned r = read(line("/caf\xe9?a=\xff\xc3", "b\xc3\xa9\xe9 \\\"q\\\\"));
  EXPECT_EQ(r.path, "/caf\xe9?a=\xff\xc3");
  EXPECT_EQ(r.agent, "b\xc3\xa9\xe9 \"q\\");
  EXPECT_EQ(r.user, "zo\xc3\xab");  // an escaped character stays what it is
  EXPECT_EQ(r.client, "203.0.113.7");
  EXPECT_EQ(read(line("/caf\xc3\xa9", "x")).path, "/caf\xc3\xa9");
  EXPECT_EQ(read(line("/\xee\x83\xa9\xe9", "x")).path, "/\xee\x83\xa9\xe9");
  for (const char* one : {R"(/\ue0e9)", R"(/\uE0e9)"})  // of the same character, an escape
    EXPECT_EQ(read(line(one + std::string("\xe9"), "x")).path, "/\xee\x83\xa9\xe9") << one;
  EXPECT_EQ(read(line("/\\\\ue0e9\xe9\\ue1e9", "x")).path, "/\\ue0e9\xe9\xee\x87\xa9");
}

TEST(Json, ReadsBareControlBytesInStrings) {
  const Owned r = read(
      "{\t\"time\":\"2026-11-24T10:00:00Z\",\t\"remote_addr\":\"203.0.113.7\","
      "\"uri\":\"/a\tb\x01\",\"user_agent\":\"\xe9\x1b[31m\"\t}");
  EXPECT_EQ(r.path, "/a\tb\x01");
  EXPECT_EQ(r.agent, "\xe9\x1b[31m");
}

TEST(Json, FindsFieldsOfAnyNameInALineThatIsNoUtf8) {
  const Owned r =
      read("{\"t\":1764000000,\"\xc3\xa9tage\":{\"IP\":\"203.0.113.7\"},\"uri\":\"/\xe9\"}",
           {"timestamp=t", "client_ip=\xc3\xa9tage.ip"});
  EXPECT_EQ(r.client, "203.0.113.7");
  EXPECT_EQ(r.path, "/\xe9");
}

TEST(Json, RefusesBadFieldOptions) {
  for (const char* field : {"client_ip", "client_ip=", "=x", "colour=x", ""}) {
    const auto choice = FormatChoice::from_options("", {field});
    ASSERT_FALSE(choice) << field;
    EXPECT_TRUE(choice.error().message.starts_with("--field ")) << choice.error().message;
  }
  EXPECT_FALSE(FormatChoice::from_options("combined", {"client_ip=x"}));
}

TEST(Json, CountsWhatItCannotRead) {
  const std::string time = R"("time":"2026-11-24T10:00:00Z",)";
  const std::string client = R"("remote_addr":"203.0.113.7",)";
  const std::string path = R"("uri":"/")";
  const std::pair<std::string, Unreadable> cases[] = {
      {"{" + time + client + path + "}", Unreadable::none},
      {"{" + time + client + path, Unreadable::bad_json},
      {"{}", Unreadable::no_time},
      {"[]", Unreadable::bad_json},
      {"17", Unreadable::bad_json},
      {"", Unreadable::blank},
      {"not json", Unreadable::bad_json},
      {"{" + time + client + path + "} x", Unreadable::bad_json},
      {"{" + time + client + path + "} \xe9", Unreadable::bad_json},
      {"{" + time + client + path + ",\xe9}", Unreadable::bad_json},
      {"{" + time + client + path + ",\"a\":\"\\\xe9\"}", Unreadable::bad_json},
      {"{\"time\":null," + client + path + "}", Unreadable::no_time},
      {"{\"time\":{\"a\":1}," + client + path + "}", Unreadable::no_time},
      {"{\"time\":-3," + client + path + "}", Unreadable::no_time},
      {"{" + time + path + "}", Unreadable::no_client},
      {"{" + time + "\"remote_addr\":true," + path + "}", Unreadable::no_client},
      {"{" + time + "\"remote_addr\":\"\"," + path + "}", Unreadable::no_client},
      {"{" + time + client + "\"a\":1}", Unreadable::no_request},
      {"{" + time + client + path + ",\"status\":\"OK\"}", Unreadable::bad_status},
      {"{" + time + client + path + ",\"status\":70000}", Unreadable::bad_status},
      {"{" + time + client + path + ",\"status\":null}", Unreadable::none},
      {"{" + time + client + path + ",\"status\":\"-\",\"bytes\":-1}", Unreadable::none},
      {"{" + time + client + "\"request\":\"\\u0016\\u0003\"}", Unreadable::none},
      {"{" + time + client + "\"uri\":\"\\ud800\"}", Unreadable::bad_json},
      {std::string(100'000, '{'), Unreadable::bad_json},
      {std::string(100'000, '['), Unreadable::bad_json},
  };
  for (const auto& [line, reason] : cases) {
    const Reading reading = read_text(line + "\n", options("json"));
    EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(reason)],
              reason == Unreadable::none ? 0u : 1u)
        << line.substr(0, 100) << ": " << to_string(reason);
    EXPECT_EQ(reading.report.requests, reason == Unreadable::none ? 1u : 0u) << line.substr(0, 100);
  }
}

}  // namespace
}  // namespace tidelimit::ingest
