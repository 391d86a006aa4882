#include "serve/admin/predict_body.hpp"

#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <simdjson.h>

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
  return bad(fmt::format("expected {}, got {}", expected, name_of(type)));
}

/// Reads tensors of one instance's shape.
class TensorReader {
 public:
  TensorReader(std::string_view input, std::span<const std::size_t> shape)
      : input_(input), shape_(shape) {}

  /// All instances of `value`, whose key in the body is `key`.
  Result<void> read(json::value& value, bool by_row) {
    const bool wrapped = !by_row && is_object(value);
    if (wrapped) {
      if (const auto error = unwrap(value))
        return error == simdjson::NO_SUCH_FIELD
                   ? bad(fmt::format("\"inputs\" must hold \"{}\"", input_))
                   : malformed(error);
    }
    auto list = read_as<json::array>(value, "an array");
    if (!list) return fail_in(by_row ? "\"instances\"" : "\"inputs\"", list.error());
    std::size_t instance = 0;
    for (auto element : *list) {
      json::value row;
      if (const auto error = element.get(row)) return malformed(error);
      if (by_row && is_object(row)) {
        const auto error = unwrap(row);
        if (error == simdjson::NO_SUCH_FIELD)
          return bad(fmt::format("instance {} must hold \"{}\"", instance, input_));
        if (error != simdjson::SUCCESS) return malformed(error);
      }
      if (auto flat = flatten(row, shape_); !flat)
        return fail_in(fmt::format("instance {} of shape [{}]", instance, fmt::join(shape_, ", ")),
                       flat.error());
      ++instance;
    }
    return {};
  }

  [[nodiscard]] std::vector<float> take() { return std::move(rows_); }

 private:
  static bool is_object(json::value& value) {
    json::json_type type;
    return value.type().get(type) == simdjson::SUCCESS && type == json::json_type::object;
  }

  /// Puts what an object holds under the input's name in its place.
  simdjson::error_code unwrap(json::value& value) const {
    json::object object;
    if (const auto error = value.get_object().get(object)) return error;
    return object.find_field(input_).get(value);
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

  std::string_view input_;
  std::span<const std::size_t> shape_;
  std::vector<float> rows_;
};

Result<void> check_signature(json::value& value) {
  const auto name = read_as<std::string_view>(value, "a string");
  if (name && (name->empty() || *name == "serving_default")) return {};
  return bad("the only signature is serving_default");
}

}  // namespace

Result<PredictBody> read_predict_body(std::string_view body, std::string_view input,
                                      std::span<const std::size_t> shape) {
  const simdjson::padded_string text(body);
  json::parser parser;
  json::document document;
  json::object object;
  if (const auto error = parser.iterate(text).get(document)) return malformed(error);
  if (const auto error = document.get_object().get(object))
    return error == simdjson::INCORRECT_TYPE ? bad("the body must be a JSON object")
                                             : malformed(error);
  TensorReader tensors(input, shape);
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
      if (by_row) return bad(R"(send either "instances" or "inputs")");
      by_row = key == "instances";
      read = tensors.read(value, *by_row);
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
