#include "serve/prometheus_poll.hpp"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "serve/http/client.hpp"
#include "serve/safely.hpp"

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

Result<double> value_in_answer(std::string_view body) {
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

/// One asker's state, held by its thread for as long as that waits for an answer.
struct PrometheusPoll::Asker {
  Asker(Url the_url, const std::string& query, std::string the_part, Notes& the_notes,
        Sink the_sink)
      : url(std::move(the_url)),
        target("/api/v1/query?query=" + encode_component(query)),
        part(std::move(the_part)),
        notes(the_notes),
        sink(std::move(the_sink)) {}

  void run();
  [[nodiscard]] Result<double> ask() const;

  const Url url;
  const std::string target;
  const std::string part;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;  ///< guarded by mutex
  Notes& notes;           ///< as sink, only under the mutex and while not stopping
  const Sink sink;
};

PrometheusPoll::PrometheusPoll(Url url, const std::string& query, std::string part, Notes& notes,
                               Sink sink)
    : asker_(
          std::make_shared<Asker>(std::move(url), query, std::move(part), notes, std::move(sink))) {
  std::thread thread([asker = asker_] { asker->run(); });
  (void)pthread_setname_np(thread.native_handle(), "signals");
  thread.detach();
}

PrometheusPoll::~PrometheusPoll() {
  std::lock_guard lock(asker_->mutex);
  asker_->stopping = true;
  asker_->changed.notify_all();
}

Result<double> PrometheusPoll::Asker::ask() const {
  const auto answer = http_call(url, "GET", target, "Accept: application/json\r\n", "", kPatience);
  if (!answer) return tl::unexpected(answer.error());
  const auto value = value_in_answer(answer->body);
  if (answer->status == 200) return value;
  // Prometheus says in its answer's body what is wrong with the query; others know no query.
  return fail(Code::unavailable,
              fmt::format("HTTP status {}: {}", answer->status,
                          value ? "no answer to the query" : value.error().message));
}

void PrometheusPoll::Asker::run() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    lock.unlock();
    const auto value = safely([this] { return ask(); });
    lock.lock();
    if (stopping) return;
    if (value) {
      sink(*value);
      notes.clear(part);
    } else {
      notes.set(part, fmt::format("{}: {}", format_url(url), value.error().message));
    }
    changed.wait_for(lock, kEvery, [this] { return stopping; });
  }
}

}  // namespace tidelimit::serve
