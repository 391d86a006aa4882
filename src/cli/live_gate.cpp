#include "cli/live_gate.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/share.hpp"
#include "base/text.hpp"
#include "config/config.hpp"
#include "serve/admin/tokens.hpp"
#include "serve/http/client.hpp"

namespace tidelimit::cli {
namespace {

constexpr auto kPatience = std::chrono::seconds{35};  // the gate itself gives up after 30 s
constexpr auto kWhole = std::string::npos;            // printable() is not to cut
constexpr const char* kDefaultUrl = "http://127.0.0.1:8080";
constexpr const char* kDefaultTokenFile = "var/admin.token";

/// The first token of the file.
Result<std::string> read_token(const std::string& file) {
  std::ifstream in(file);
  if (!in)
    return fail(Code::not_found,
                fmt::format("can't read the token file {}; name it with --token-file, or name the "
                            "gate's configuration with --config",
                            file));
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto table = serve::parse_tokens(text);
  if (!table) return fail_in(file, table.error());
  return table->tokens().front().secret;
}

std::string reachable(const HostPort& where) {
  HostPort place = where;
  if (place.host == "0.0.0.0") place.host = "127.0.0.1";
  if (place.host == "::") place.host = "::1";
  return "http://" + format_host_port(place);
}

/// What a refusal says: the detail of a problem document, else the body itself.
std::string words_of(const serve::HttpAnswer& answer) {
  const auto body = nlohmann::json::parse(answer.body, nullptr, false);
  if (body.is_object() && body.contains("detail") && body["detail"].is_string())
    return printable(body["detail"].get<std::string>(), kWhole);
  return fmt::format("status {}: {}", answer.status, printable(answer.body));
}

Code code_of(int status) {
  switch (status) {
    case 400:
      return Code::invalid_argument;
    case 401:
    case 403:
      return Code::permission_denied;
    case 404:
      return Code::not_found;
    case 409:
      return Code::failed_precondition;
    default:
      return Code::unavailable;
  }
}

}  // namespace

void LiveGate::add_options(Command command) {
  command.add_option("--url", url_,
                     fmt::format("where the gate answers its admin calls (default: {}, or as "
                                 "--config says)",
                                 kDefaultUrl));
  command.add_option("--token-file", token_file_,
                     fmt::format("the file with the admin token (default: {}, or as --config says)",
                                 kDefaultTokenFile));
  command.add_option("--config", config_, "the configuration the gate runs with");
}

Result<LiveGate::Place> LiveGate::place() const {
  Place place{kDefaultUrl, kDefaultTokenFile};
  if (!config_.empty() && (url_.empty() || token_file_.empty())) {
    auto config = config::load_admin(config_);
    if (!config) {
      config.error().message += "\nor name the gate itself: --url URL --token-file FILE";
      return tl::unexpected(config.error());
    }
    place.url = reachable(config->listen.admin.value_or(config->listen.http));
    place.token_file = config->admin_token_file.string();
    if (place.token_file.empty() && token_file_.empty()) {
      return fail(Code::invalid_argument,
                  fmt::format("{} names no admin.token_file, and without a token a gate refuses "
                              "this call; write admin: {{ token_file: {} }} and start it again",
                              config_, kDefaultTokenFile));
    }
  }
  if (!url_.empty()) place.url = url_;
  if (!token_file_.empty()) place.token_file = token_file_;
  return place;
}

Result<nlohmann::json> LiveGate::call(const std::string& method, const std::string& target,
                                      const std::string& body) const {
  const auto where = place();
  if (!where) return tl::unexpected(where.error());
  const auto url = parse_url(where->url);
  if (!url) return fail_in("--url", url.error());
  const auto token = read_token(where->token_file);
  if (!token) return tl::unexpected(token.error());
  const auto answer = serve::http_call(
      *url, method, target, fmt::format("Authorization: Bearer {}\r\n", *token), body, kPatience);
  if (!answer) {
    Error error = answer.error();
    if (error.code != Code::unavailable) {
      error.message += "; is it a tidelimit gate?";
      return fail_in(where->url, std::move(error));
    }
    error.message += "; is the gate running (tidelimit serve), and is --url right?";
    return tl::unexpected(std::move(error));
  }
  if (answer->status / 100 != 2) {
    std::string words = words_of(*answer);
    if (answer->status == 401)
      words = fmt::format(
          "the gate at {} does not know the token in {}; name its own with "
          "--token-file",
          where->url, where->token_file);
    return fail(code_of(answer->status), words);
  }
  if (answer->body.empty()) return nlohmann::json();
  auto parsed = nlohmann::json::parse(answer->body, nullptr, false);
  if (parsed.is_discarded())
    return fail(Code::data_loss,
                fmt::format("{} answers no JSON; is it a tidelimit gate?", where->url));
  return parsed;
}

std::string body_text(const nlohmann::json& body) {
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json printable_texts(nlohmann::json answer) {
  if (answer.is_string()) return printable(answer.get<std::string>(), kWhole);
  if (answer.is_structured()) {
    for (nlohmann::json& inner : answer) inner = printable_texts(std::move(inner));
  }
  return answer;
}

std::string part_named(const std::string& word) {
  return word == "anomalies" ? "anomaly" : word;
}

Result<double> share_typed(const std::string& text) {
  const auto share = parse_share(text);
  const auto number = parse_double(trim(text));
  if (share && !(number >= 1.0)) return *share;
  const std::string no_share = fmt::format("\"{}\" is no share: write ", printable(text, 40));
  if (!(number >= 1.0) || number > 100.0)
    return fail(Code::invalid_argument, no_share + "5% or 0.05");
  return fail(Code::invalid_argument,
              fmt::format("{}{:g}% or {:g}", no_share, *number, *number / 100));
}

std::string short_time(std::string time) {
  constexpr std::size_t kDigits = 3;
  const std::size_t keep = time.find('.') + 1 + kDigits;
  const std::size_t end = std::min(time.find_first_not_of("0123456789", keep), time.size());
  if (keep > kDigits && keep < end) time.erase(keep, end - keep);
  return time;
}

}  // namespace tidelimit::cli
