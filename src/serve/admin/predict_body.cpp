#include "serve/admin/predict_body.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <simdjson.h>
#include <utility>

#include "base/text.hpp"

namespace tidelimit::serve {
namespace {

namespace json = simdjson::ondemand;

tl::unexpected<Error> bad(std::string message) {
  return fail(Code::invalid_argument, std::move(message));
}

tl::unexpected<Error> malformed(simdjson::error_code error) {
  return bad(fmt::format("JSON Parse error: {}", simdjson::error_message(error)));
}

const char* name_of(json::json_type type) {
  switch (type) {
    case json::json_type::array:
      return "an array";
    case json::json_type::object:
      return "an object";
    case json::json_type::number:
      return "a number";
    case json::json_type::string:
      return "a string";
    case json::json_type::boolean:
      return "a boolean";
    case json::json_type::null:
      return "null";
  }
  return "something else";
}

/// Anything but a wrong kind of value is an error of the text itself.
template <class T>
Result<T> read_as(json::value& value, const std::string& expected) {
  T read;
  const auto error = value.get<T>().get(read);
  if (error == simdjson::SUCCESS) return read;
  json::json_type type;
  if (error != simdjson::INCORRECT_TYPE || value.type().get(type) != simdjson::SUCCESS)
    return malformed(error);
  // What begins as one, as -Infinity does.
  if (expected == name_of(type)) return bad(expected + " that is not as JSON writes it");
  return bad(fmt::format("expected {}, got {}", expected, name_of(type)));
}

/// Reads tensors of one instance's shape.
class TensorReader {
 public:
  TensorReader(std::span<const std::string_view> names, std::span<const std::size_t> shape)
      : names_(names), shape_(shape) {}

  /// All instances of `value`, whose key in the body is `key`.
  Result<void> read(json::value& value, const std::string& key, bool by_row) {
    if (!by_row && is_object(value))
      return each_named(value, fmt::format("\"{}\"", key),
                        [&](json::value& list) { return rows(list, key, false); });
    return rows(value, key, by_row);
  }

  [[nodiscard]] std::vector<float> take() { return std::move(rows_); }

 private:
  static bool is_object(json::value& value) {
    json::json_type type;
    return value.type().get(type) == simdjson::SUCCESS && type == json::json_type::object;
  }

  /// An object holds the one input, by one of its names, and nothing else.
  template <class Take>
  Result<void> each_named(json::value& value, const std::string& where, Take&& take) const {
    json::object object;
    if (const auto error = value.get_object().get(object)) return malformed(error);
    bool found = false;
    for (auto field : object) {
      std::string_view key;
      json::value inner;
      if (const auto error = field.unescaped_key().get(key)) return malformed(error);
      if (const auto error = field.value().get(inner)) return malformed(error);
      if (std::find(names_.begin(), names_.end(), key) == names_.end())
        return bad(fmt::format("{} must hold \"{}\" and nothing else; it holds \"{}\"", where,
                               names_.front(), printable(key, 64)));
      if (std::exchange(found, true))
        return bad(fmt::format("{} holds \"{}\" twice", where, names_.front()));
      if (auto taken = take(inner); !taken) return taken;
    }
    return found ? Result<void>{} : bad(fmt::format("{} must hold \"{}\"", where, names_.front()));
  }

  Result<void> rows(json::value& value, const std::string& key, bool may_be_named) {
    auto list = read_as<json::array>(value, "an array");
    if (!list) return fail_in(fmt::format("\"{}\"", key), list.error());
    std::size_t instance = 0;
    std::optional<bool> named;
    for (auto element : *list) {
      json::value row;
      if (const auto error = element.get(row)) return malformed(error);
      const std::string where = fmt::format("instance {}", instance++);
      const bool is_named = may_be_named && is_object(row);
      if (named.value_or(is_named) != is_named)
        return bad(
            fmt::format("all instances must be of one form: {} is {}, and those before it "
                        "are not",
                        where, is_named ? "an object" : "a plain array"));
      named = is_named;
      const auto one = [&](json::value& tensor) -> Result<void> {
        if (auto flat = flatten(tensor, shape_); !flat)
          return fail_in(fmt::format("{} of shape [{}]", where, fmt::join(shape_, ", ")),
                         flat.error());
        return {};
      };
      if (auto read = is_named ? each_named(row, where, one) : one(row); !read) return read;
    }
    return {};
  }

  /// Appends a nested array of exactly `shape`.
  Result<void> flatten(json::value& value, std::span<const std::size_t> shape) {
    if (shape.empty()) {
      const auto number = read_as<double>(value, "a number");
      if (!number) return tl::unexpected(number.error());
      const auto single = static_cast<float>(*number);
      if (!std::isfinite(single)) return bad("a value is too large");
      rows_.push_back(single);
      return {};
    }
    auto list = read_as<json::array>(value, fmt::format("an array of {}", shape.front()));
    if (!list) return tl::unexpected(list.error());
    std::size_t count = 0;
    for (auto element : *list) {
      json::value inner;
      if (const auto error = element.get(inner)) return malformed(error);
      if (count == shape.front())
        return bad(fmt::format("expected an array of {}, got more elements", shape.front()));
      if (auto flat = flatten(inner, shape.subspan(1)); !flat) return flat;
      ++count;
    }
    if (count < shape.front())
      return bad(fmt::format("expected an array of {}, got {} elements", shape.front(), count));
    return {};
  }

  std::span<const std::string_view> names_;
  std::span<const std::size_t> shape_;
  std::vector<float> rows_;
};

Result<void> check_signature(json::value& value) {
  const auto name = read_as<std::string_view>(value, "a string");
  if (name && (name->empty() || *name == "serving_default")) return {};
  return bad("the only signature is serving_default");
}

}  // namespace

Result<PredictBody> read_predict_body(std::string_view body,
                                      std::span<const std::string_view> names,
                                      std::span<const std::size_t> shape) {
  const simdjson::padded_string text(body);
  json::parser parser;
  json::document document;
  json::object object;
  if (const auto error = parser.iterate(text).get(document)) return malformed(error);
  if (const auto error = document.get_object().get(object))
    return error == simdjson::INCORRECT_TYPE ? bad("the body must be a JSON object")
                                             : malformed(error);
  TensorReader tensors(names, shape);
  std::optional<bool> by_row;
  for (auto field : object) {
    std::string_view key;
    json::value value;
    if (const auto error = field.unescaped_key().get(key)) return malformed(error);
    if (const auto error = field.value().get(value)) return malformed(error);
    Result<void> read;
    if (key == "signature_name") {
      read = check_signature(value);
    } else if (key == "instances" || key == "inputs") {
      const bool rows = key == "instances";
      if (by_row == rows) return bad(fmt::format("\"{}\" is there twice", key));
      if (by_row) return bad(R"(send either "instances" or "inputs", not both)");
      by_row = rows;
      read = tensors.read(value, std::string(key), rows);
    }
    if (!read) return tl::unexpected(read.error());
  }
  if (!by_row) return bad(R"(send either "instances" or "inputs")");
  const char* rest = nullptr;  // only a document that was read whole has no place to stand on
  if (document.current_location().get(rest) == simdjson::SUCCESS)
    return bad("JSON Parse error: there is more behind the object");
  return PredictBody{*by_row, tensors.take()};
}

}  // namespace tidelimit::serve
