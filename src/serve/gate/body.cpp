#include "serve/gate/body.hpp"

#include <cmath>
#include <fmt/format.h>
#include <simdjson.h>

#include "base/text.hpp"
#include "serve/gate/identity.hpp"
#include "serve/gate/settings.hpp"
#include "serve/http/handler.hpp"

namespace tidelimit::serve {
namespace {

namespace json = simdjson::ondemand;
static_assert(kBodyPadding >= simdjson::SIMDJSON_PADDING);

constexpr std::uint64_t kMostHits = limiter::kMostCounted;
constexpr std::size_t kInitialCapacity = 64 << 10;

tl::unexpected<Error> bad(std::string message) {
  return fail(Code::invalid_argument, std::move(message));
}

tl::unexpected<Error> malformed(simdjson::error_code error) {
  return bad(fmt::format("the body is no valid JSON: {}", simdjson::error_message(error)));
}

/// The kinds of value a field may hold; null counts as absent.
Result<void> read_text(json::value& value, std::string_view key, std::string_view& into) {
  if (bool null = false; value.is_null().get(null) == simdjson::SUCCESS && null) return {};
  if (value.get_string().get(into) != simdjson::SUCCESS)
    return bad(fmt::format("\"{}\" must be a string", key));
  return {};
}

Result<std::optional<double>> read_number(json::value& value, std::string_view key) {
  if (bool null = false; value.is_null().get(null) == simdjson::SUCCESS && null)
    return std::optional<double>();
  double number = 0;
  if (value.get_double().get(number) != simdjson::SUCCESS || !std::isfinite(number))
    return bad(fmt::format("\"{}\" must be a number", key));
  return std::optional<double>(number);
}

Result<std::optional<std::uint64_t>> read_whole(json::value& value, std::string_view key,
                                                std::uint64_t most) {
  if (bool null = false; value.is_null().get(null) == simdjson::SUCCESS && null)
    return std::optional<std::uint64_t>();
  std::uint64_t number = 0;
  if (value.get_uint64().get(number) != simdjson::SUCCESS || number > most)
    return bad(fmt::format("\"{}\" must be a whole number from 0 to {}", key, most));
  return std::optional<std::uint64_t>(number);
}

/// The fields that both calls share. False: not one of them.
Result<bool> read_common(json::value& value, std::string_view key, traffic::Request& request) {
  std::string_view* into = key == "client_ip"    ? &request.client_name
                           : key == "user_id"    ? &request.user_id
                           : key == "tier"       ? &request.tier
                           : key == "user_tier"  ? &request.tier
                           : key == "method"     ? &request.method
                           : key == "path"       ? &request.path
                           : key == "user_agent" ? &request.user_agent
                                                 : nullptr;
  if (into == nullptr) return false;
  if (auto read = read_text(value, key, *into); !read) return tl::unexpected(read.error());
  return true;
}

/// Whether the whole document was read: only then is there no place left to stand on.
bool at_end(json::document& document) {
  const char* place = nullptr;
  return document.current_location().get(place) != simdjson::SUCCESS;
}

Result<WallTime> read_timestamp(json::value& value) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) return parse_time(text);
  // The digits as written: a double would lose nanoseconds.
  return parse_time(trim(value.raw_json_token()));
}

}  // namespace

struct BodyReader::Impl {
  json::parser parser;
  std::vector<traffic::Request> reported;

  Result<CheckCall> read_check(json::object object);
  Result<traffic::Request> read_reported(json::object object, WallTime now);
};

BodyReader::BodyReader() : impl_(std::make_unique<Impl>()) {
  // Out of memory here shows again, as an answer, with the first body.
  [[maybe_unused]] const auto ready = impl_->parser.allocate(kInitialCapacity);
}
BodyReader::~BodyReader() = default;

Result<CheckCall> BodyReader::Impl::read_check(json::object object) {
  CheckCall call;
  for (auto field : object) {
    std::string_view key;
    json::value value;
    if (const auto error = field.unescaped_key().get(key)) return malformed(error);
    if (const auto error = field.value().get(value)) return malformed(error);
    const auto common = read_common(value, key, call.request);
    if (!common) return tl::unexpected(common.error());
    if (*common) continue;
    if (key == "hits") {
      const auto hits = read_whole(value, key, kMostHits);
      if (!hits) return tl::unexpected(hits.error());
      if (*hits) call.hits = static_cast<limiter::Hits>(**hits);
    } else if (call.ignored.empty()) {
      call.ignored = key;
    }
  }
  traffic::Request& request = call.request;
  if (request.client_name.empty() && request.user_id.empty())
    return bad("\"client_ip\" is missing (or \"user_id\", where the client is not known)");
  if (!request.client_name.empty()) {
    const auto address = parse_address(request.client_name);
    if (!address)
      return bad(fmt::format("\"client_ip\": \"{}\" is no IP address",
                             printable(request.client_name, 64)));
    request.client = client_of(*address);
  }
  if (request.path.empty()) return bad("\"path\" is missing");
  if (request.method.empty()) request.method = kDefaultMethod;
  return call;
}

Result<CheckCall> BodyReader::check(std::string_view body) {
  json::document document;
  json::object object;
  if (trim(body).empty()) return bad("the body is empty; send a JSON object");
  if (const auto error =
          impl_->parser.iterate(body.data(), body.size(), body.size() + kBodyPadding).get(document))
    return malformed(error);
  if (const auto error = document.get_object().get(object)) {
    if (error == simdjson::INCORRECT_TYPE) return bad("the body must be a JSON object");
    return malformed(error);
  }
  auto call = impl_->read_check(object);
  if (call && !at_end(document)) return bad("bytes after the JSON object");
  return call;
}

Result<traffic::Request> BodyReader::Impl::read_reported(json::object object, WallTime now) {
  traffic::Request request;
  request.time = now;
  bool timed = false;
  for (auto field : object) {
    std::string_view key;
    json::value value;
    if (const auto error = field.unescaped_key().get(key)) return malformed(error);
    if (const auto error = field.value().get(value)) return malformed(error);
    const auto common = read_common(value, key, request);
    if (!common) return tl::unexpected(common.error());
    if (*common) continue;
    if (key == "status") {
      const auto status = read_whole(value, key, 999);
      if (!status) return tl::unexpected(status.error());
      request.status = static_cast<std::uint16_t>(status->value_or(0));
    } else if (key == "latency_ms") {
      const auto latency = read_number(value, key);
      if (!latency) return tl::unexpected(latency.error());
      if (*latency && **latency < 0) return bad("\"latency_ms\" must not be negative");
      if (*latency) request.latency_ms = static_cast<float>(**latency);
    } else if (key == "bytes") {
      const auto bytes = read_whole(value, key, std::uint64_t{1} << 62);
      if (!bytes) return tl::unexpected(bytes.error());
      if (*bytes) request.bytes = static_cast<std::int64_t>(**bytes);
    } else if (key == "timestamp" && !timed) {
      const auto time = read_timestamp(value);
      if (!time) return bad("\"timestamp\": " + time.error().message);
      request.time = *time;
      timed = true;
    } else if (key == "own_denial" || key == "asked") {
      bool truth = false;
      if (value.get_bool().get(truth) != simdjson::SUCCESS)
        return bad(fmt::format("\"{}\" must be true or false", key));
      if (key == "own_denial")
        request.own_denial = truth;
      else
        request.asked = truth ? traffic::Asked::answered : traffic::Asked::never;
    }
  }
  if (request.client_name.empty() && request.user_id.empty())
    return bad("\"client_ip\" is missing (or \"user_id\", where the client is not known)");
  const auto address = parse_hop(request.client_name);
  request.client = address ? client_of(*address) : client_of(request.client_name);
  if (request.method.empty()) request.method = kDefaultMethod;
  return request;
}

Result<const std::vector<traffic::Request>*> BodyReader::report(std::string_view body,
                                                                WallTime now) {
  impl_->reported.clear();
  json::document document;
  json::value element;
  if (trim(body).empty()) return bad("the body is empty; send a JSON object or an array of them");
  if (const auto error =
          impl_->parser.iterate(body.data(), body.size(), body.size() + kBodyPadding).get(document))
    return malformed(error);
  json::json_type type{};
  if (const auto error = document.type().get(type)) return malformed(error);

  const auto keep = [&](json::object object, std::size_t index) -> Result<void> {
    auto seen = impl_->read_reported(object, now);
    if (!seen) return fail_in(fmt::format("element {}", index), seen.error());
    impl_->reported.push_back(*seen);
    return {};
  };
  if (type == json::json_type::object) {
    json::object object;
    if (const auto error = document.get_object().get(object)) return malformed(error);
    if (auto kept = keep(object, 0); !kept) return tl::unexpected(kept.error());
  } else if (type == json::json_type::array) {
    json::array array;
    if (const auto error = document.get_array().get(array)) return malformed(error);
    std::size_t index = 0;
    for (auto item : array) {
      json::object object;
      if (const auto error = item.get_object().get(object)) {
        if (error == simdjson::INCORRECT_TYPE)
          return bad(fmt::format("element {} is no JSON object", index));
        return malformed(error);
      }
      if (auto kept = keep(object, index++); !kept) return tl::unexpected(kept.error());
    }
  } else {
    return bad("the body must be a JSON object or an array of them");
  }
  if (!at_end(document)) return bad("bytes after the JSON value");
  return &impl_->reported;
}

}  // namespace tidelimit::serve
