#include "ingest/json_parser.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "ingest/csv_parser.hpp"
#include "ingest/lenient_json.hpp"
#include "ingest/request_line.hpp"
#include "ingest/timestamp.hpp"

namespace tidelimit::ingest {
namespace {

namespace dom = simdjson::dom;

/// A scalar found for a slot. Text views point into the parsed document.
struct Found {
  static constexpr int kNothing = 256;

  int rank = kNothing;
  bool is_number = false;
  std::string_view text;
  double number = 0;
  std::array<char, 24> digits{};  ///< a number's own text, for fields that are text (a user id)

  [[nodiscard]] bool present() const { return rank != kNothing; }

  /// Of several values the lowest rank wins, but an empty one never against one that says
  /// something.
  void offer(dom::element value, int new_rank) {
    std::string_view string;
    // Null is an empty text: Envoy's path of a request that had none.
    const bool is_text = value.is_null() || value.get(string) == simdjson::SUCCESS;
    if (is_text) string = unless_dash(string);
    const bool better = text.empty() || new_rank < rank;
    if (present() && (!better || (is_text && string.empty()))) return;
    if (is_text)
      *this = {.rank = new_rank, .is_number = false, .text = string};
    else
      set_number(value, new_rank);
  }

  void set_number(dom::element value, int new_rank) {
    double real = 0;
    if (value.get(real) != simdjson::SUCCESS) return;  // true, false: says nothing
    rank = new_rank;
    is_number = true;
    number = real;
    const auto written = [&](auto whole) {
      const auto end = std::to_chars(digits.begin(), digits.end(), whole);
      return std::string_view{digits.data(), static_cast<std::size_t>(end.ptr - digits.data())};
    };
    std::int64_t whole = 0;
    std::uint64_t large = 0;  // an id may be one that a double does not tell from its neighbours
    if (value.get(whole) == simdjson::SUCCESS) {
      text = written(whole);
    } else if (value.get(large) == simdjson::SUCCESS) {
      text = written(large);
    } else {
      text = written(real);
    }
  }

  [[nodiscard]] bool says(std::string_view word) const {
    return present() && !is_number && text == word;
  }

  [[nodiscard]] std::optional<double> as_number() const {
    return is_number ? std::optional(number) : parse_double(text);
  }
};

/// As a log writes it, which may have quotes around everything, and 1 or 0 for it (nginx's `if`
/// knows no other truth); nullopt: neither.
std::optional<bool> truth_of(dom::element value) {
  bool truth = false;
  if (value.get(truth) == simdjson::SUCCESS) return truth;
  std::int64_t number = 0;
  std::string_view text;
  if (value.get(number) == simdjson::SUCCESS) text = number == 1 ? "1" : number == 0 ? "0" : "";
  if (text.empty() && value.get(text) != simdjson::SUCCESS) return std::nullopt;
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

}  // namespace

struct JsonParser::State {
  JsonNames names;
  LenientJson json;
  LogClock clock;
  std::array<Found, kJsonSlots> found;
  std::array<std::string, kJsonSlots> restored;  ///< what `found` shows where bytes stood replaced
  std::optional<bool> own_denial;
  std::vector<bool> fields_met;  ///< of --field, by their numbers less one
  Dialect dialect = Dialect::common;
  std::string path;  ///< of the field under the hand, in lower case
  std::string key;   ///< scratch for it

  const Found& at(JsonSlot slot) const { return found[static_cast<std::size_t>(slot)]; }

  std::optional<dom::object> read(std::string_view line);
  void collect(dom::object object);
  void collect(dom::array array);
  void take(dom::element value);
  void restore();
  bool read_time(traffic::Request& out);
  bool read_client(traffic::Request& out) const;
  bool read_request(traffic::Request& out) const;
  bool read_status(traffic::Request& out) const;
  [[nodiscard]] traffic::Asked asked() const;
  [[nodiscard]] std::optional<double> latency_ms() const;
};

JsonParser::JsonParser(JsonNames names) : state_(std::make_unique<State>()) {
  state_->names = std::move(names);
  state_->fields_met.resize(state_->names.given());
}
JsonParser::~JsonParser() = default;

std::vector<bool> JsonParser::fields_met() const {
  return state_->fields_met;
}

std::optional<dom::object> JsonParser::State::read(std::string_view line) {
  dom::object object;
  if (!line.starts_with('{')) line.remove_prefix(line_head(line));
  if (json.parse(line).get(object) != simdjson::SUCCESS) return std::nullopt;
  found.fill({});
  own_denial.reset();
  dialect = Dialect::common;
  path.clear();
  collect(object);
  if (json.replaced()) [[unlikely]]
    restore();
  return object;
}

Unreadable JsonParser::parse(std::string_view line, traffic::Request& out) {
  State& state = *state_;
  if (!state.read(line)) return Unreadable::bad_json;
  out = {};
  if (!state.read_time(out)) return Unreadable::no_time;
  if (!state.read_client(out)) return Unreadable::no_client;
  if (!state.read_request(out)) return Unreadable::no_request;
  if (!state.read_status(out)) return Unreadable::bad_status;
  const auto text = [&](JsonSlot slot) {
    return state.at(slot).present() ? state.at(slot).text : std::string_view{};
  };
  out.user_id = text(JsonSlot::user);
  out.tier = text(JsonSlot::tier);
  out.user_agent = text(JsonSlot::agent);
  out.own_denial = state.own_denial;
  out.asked = state.asked();
  out.latency_ms = latency_of(state.latency_ms());
  const Found& bytes = state.at(JsonSlot::bytes);
  const auto size = bytes.present() ? bytes.as_number() : std::nullopt;
  if (size && *size >= 0 && *size < 1e18) out.bytes = static_cast<std::int64_t>(*size);
  return Unreadable::none;
}

/// Goes through an object's fields under `path`. It descends only where a known name lies below,
/// so hostile nesting costs nothing.
void JsonParser::State::collect(dom::object object) {
  const std::size_t parent = path.size();
  for (const auto field : object) {
    if (parent > 0) path += '.';
    for (const char c : json.text(field.key, key)) path += to_lower(c);
    take(field.value);
    path.resize(parent);
  }
}

void JsonParser::State::collect(dom::array array) {
  constexpr std::size_t kLooked = 4;  // headers have one value, rarely two
  const std::size_t parent = path.size();
  std::size_t index = 0;
  for (const dom::element value : array) {
    path += '[';
    path += static_cast<char>('0' + index);
    path += ']';
    take(value);
    path.resize(parent);
    if (++index == kLooked) return;
  }
}

void JsonParser::State::take(dom::element value) {
  const JsonName* name = names.find(path);
  if (name == nullptr) return;
  dom::object object;
  dom::array array;
  if (value.get(object) == simdjson::SUCCESS) return collect(object);
  if (value.get(array) == simdjson::SUCCESS) return collect(array);
  if (name->slot == JsonSlot::count_) return;
  if (name->slot == JsonSlot::own_denial) {
    own_denial = truth_of(value);
    return;
  }
  if (name->given != 0) [[unlikely]]
    fields_met[name->given - 1] = true;
  if (name->dialect != Dialect::common) dialect = name->dialect;
  found[static_cast<std::size_t>(name->slot)].offer(value, name->rank);
}

void JsonParser::State::restore() {
  for (std::size_t slot = 0; slot < kJsonSlots; ++slot) {
    if (!found[slot].is_number) found[slot].text = json.text(found[slot].text, restored[slot]);
  }
}

bool JsonParser::State::read_time(traffic::Request& out) {
  const Found& found = at(JsonSlot::time);
  if (!found.present()) return false;
  const auto time = found.is_number ? time_of_unix(found.number) : clock.parse(found.text);
  if (time) out.time = *time;
  return time.has_value();
}

bool JsonParser::State::read_client(traffic::Request& out) const {
  const Found& client = at(JsonSlot::client);
  const Found& peer = at(JsonSlot::peer);
  const Found& list = at(JsonSlot::forwarded_for);
  const std::string_view hops = list.present() ? list.text : std::string_view{};
  if (client.present() && !client.text.empty()) {
    // Traefik's ClientHost is the whole X-Forwarded-For list where there is one.
    return set_client(one_client(client.text), out);
  }
  return set_client(client_text(peer.present() ? peer.text : std::string_view{}, hops), out);
}

bool JsonParser::State::read_request(traffic::Request& out) const {
  const Found& request = at(JsonSlot::request);
  const Found& path_found = at(JsonSlot::path);
  const Found& method = at(JsonSlot::method);
  if (request.present()) set_request_line(request.text, out);
  if (path_found.present() && !path_found.text.empty()) out.path = path_found.text;
  if (method.present() && !method.text.empty()) out.method = method.text;
  return request.present() || path_found.present();
}

bool JsonParser::State::read_status(traffic::Request& out) const {
  const Found& found = at(JsonSlot::status);
  if (!found.present() || found.text.empty()) return true;
  const auto number = found.as_number();
  if (!number || *number < 0 || *number > 999) return false;
  out.status = static_cast<std::uint16_t>(*number);
  return true;
}

/// As deploy/nginx writes it, to the letter: other services' logs have a `gate` or what they
/// `asked` of their own, and none of their lines is to count for less.
traffic::Asked JsonParser::State::asked() const {
  if (at(JsonSlot::gate).says("down")) return traffic::Asked::unanswered;
  const Found& asked = at(JsonSlot::asked);
  if (asked.says("0")) return traffic::Asked::never;
  return asked.says("1") ? traffic::Asked::answered : traffic::Asked::unsaid;
}

std::optional<double> JsonParser::State::latency_ms() const {
  const auto scaled = [this](JsonSlot slot, double factor) -> std::optional<double> {
    const Found& found = at(slot);
    if (found.present() && !found.is_number) {
      if (const auto ms = milliseconds_of(found.text)) return ms;
    }
    const auto number = found.present() ? found.as_number() : std::nullopt;
    return number ? std::optional(*number * factor) : std::nullopt;
  };
  if (const auto ms = scaled(JsonSlot::latency_ms, 1); ms && at(JsonSlot::latency_ms).rank <= 1) {
    return ms;
  }
  if (const auto s = scaled(JsonSlot::latency_s, 1e3)) return s;
  if (const auto ns = scaled(JsonSlot::latency_ns, 1e-6)) return ns;
  const double unit = dialect == Dialect::caddy ? 1e3 : dialect == Dialect::traefik ? 1e-6 : 1.0;
  if (const auto spent = scaled(JsonSlot::duration, unit)) return spent;
  return scaled(JsonSlot::latency_ms, 1);
}

namespace {

/// The paths of an object's scalars as --field takes them, the first few.
void list_paths(const LenientJson& json, dom::object object, const std::string& parent,
                std::vector<std::string>& paths) {
  constexpr std::size_t kListed = 30;
  constexpr std::size_t kDeepest = 200;  // bytes of a path: hostile nesting ends there
  std::string key;
  for (const auto field : object) {
    if (paths.size() == kListed) return;
    const std::string path = parent + std::string(json.text(field.key, key));
    dom::object inner;
    if (path.size() < kDeepest && field.value.get(inner) == simdjson::SUCCESS)
      list_paths(json, inner, path + ".", paths);
    else
      paths.push_back(printable(path, 40));
  }
}

}  // namespace

std::string JsonParser::advice(std::string_view line) {
  State& state = *state_;
  const auto object = state.read(line);
  if (!object) return {};
  traffic::Request request;
  const Found& time = state.at(JsonSlot::time);
  if (time.present() && !state.read_time(request)) {
    return "its time reads \"" + printable(time.text, 40) +
           "\"; the forms that are read: " + kTimeForms;
  }
  std::vector<std::string_view> missing;
  if (!time.present()) missing.emplace_back("timestamp");
  if (!state.read_client(request)) missing.emplace_back("client_ip");
  if (!state.read_request(request)) missing.emplace_back("path");
  if (missing.empty()) return {};
  std::vector<std::string> paths;
  list_paths(state.json, *object, "", paths);
  return "none of its fields is known as " + join_names(missing) + "; it has " +
         join_names({paths.begin(), paths.end()}) + "; say which it is with --field " +
         std::string(missing.front()) + "=PATH";
}

}  // namespace tidelimit::ingest
