#include "serve/prometheus_poll.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <pthread.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "serve/http/client.hpp"

namespace tidelimit::serve {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kEvery{5};
constexpr std::chrono::seconds kPatience{3};
constexpr std::size_t kLongestWords = 200;

/// [TIME, "VALUE"]
std::optional<double> sample_value(const json& sample) {
  if (!sample.is_array() || sample.size() != 2 || !sample[1].is_string()) return std::nullopt;
  const auto value = parse_double(sample[1].get<std::string>());
  return value && std::isfinite(*value) ? value : std::nullopt;
}

/// Null where `holder` is no object or has no such member: an answer may be anybody's JSON.
const json& member(const json& holder, const char* key) {
  static const json none;
  if (!holder.is_object()) return none;
  const auto found = holder.find(key);
  return found == holder.end() ? none : *found;
}

std::string text_of(const json& value, const char* otherwise) {
  return value.is_string() ? printable(value.get<std::string>(), kLongestWords) : otherwise;
}

constexpr double kRounding = 1.05;  // a share so little above 1 is 1

/// A query in percent would else be taken for a load of many times what there is.
Result<double> check_share(double value) {
  if (value <= kRounding) return std::min(value, 1.0);
  return fail(
      Code::invalid_argument,
      fmt::format("the query answers {}, which is no share from 0 to 1; divide by 100", value));
}

}  // namespace

Result<double> query_value(std::string_view body) {
  const json answer = json::parse(body, nullptr, false);
  if (!answer.is_object()) return fail(Code::data_loss, "the answer is no JSON object");
  if (member(answer, "status") != "success")
    return fail(Code::invalid_argument, text_of(member(answer, "error"), "the query failed"));
  const json& data = member(answer, "data");
  const std::string type = text_of(member(data, "resultType"), "result without a type");
  const json& result = member(data, "result");
  std::optional<double> largest;
  if (type == "scalar") {
    largest = sample_value(result);
  } else if (type == "vector") {
    for (const json& series : result) {
      const auto value = sample_value(member(series, "value"));
      if (value) largest = std::max(largest.value_or(*value), *value);
    }
  } else {
    return fail(Code::invalid_argument,
                fmt::format("the query gives a {}: ask for a scalar or an instant vector", type));
  }
  if (!largest) return fail(Code::not_found, "the query finds no series with a value");
  if (*largest < 0) return fail(Code::invalid_argument, "the query's value is negative");
  return check_share(*largest);
}

PrometheusPoll::PrometheusPoll(Url url, std::string query, std::string part, Notes& notes,
                               Sink sink)
    : url_(std::move(url)),
      target_("/api/v1/query?query=" + encode_component(query)),
      part_(std::move(part)),
      notes_(notes),
      sink_(std::move(sink)) {
  thread_ = std::thread([this] { run(); });
  (void)pthread_setname_np(thread_.native_handle(), "signals");
}

PrometheusPoll::~PrometheusPoll() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  notes_.clear(part_);
}

Result<double> PrometheusPoll::ask() const {
  const auto answer =
      http_call(url_, "GET", target_, "Accept: application/json\r\n", "", kPatience);
  if (!answer) return tl::unexpected(answer.error());
  const auto value = query_value(answer->body);
  if (answer->status == 200) return value;
  // Prometheus says in its answer's body what is wrong with the query; others know no query.
  return fail(Code::unavailable,
              fmt::format("HTTP status {}: {}", answer->status,
                          value ? "no answer to the query" : value.error().message));
}

Result<double> PrometheusPoll::ask_safely() const {
  try {
    return ask();
  } catch (const std::exception& fault) {  // std::bad_alloc, and what libraries may throw
    return fail(Code::internal, fault.what());
  }
}

void PrometheusPoll::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto value = ask_safely();
    if (value) {
      sink_(*value);
      notes_.clear(part_);
    } else {
      notes_.set(part_, fmt::format("{}: {}", format_url(url_), value.error().message));
    }
    lock.lock();
    changed_.wait_for(lock, kEvery, [this] { return stopping_; });
  }
}

}  // namespace tidelimit::serve
