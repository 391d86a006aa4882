#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"

namespace tidelimit::ingest {

/// What a field of a JSON log line is used for.
enum class JsonSlot : std::uint8_t {
  time,
  client,         ///< the client as the server worked it out
  peer,           ///< the address the connection came from
  forwarded_for,  ///< X-Forwarded-For
  user,
  tier,
  method,
  path,
  request,  ///< the whole request line
  status,
  agent,
  latency_ms,
  latency_s,
  latency_ns,
  duration,  ///< its unit depends on the dialect
  bytes,
  own_denial,  ///< true or false
  asked,       ///< "1": tidelimit was asked about the request; "0": it never was
  gate,        ///< "down": it was asked, and did not answer
  count_,
};
inline constexpr std::size_t kJsonSlots = static_cast<std::size_t>(JsonSlot::count_);

/// Which server's vocabulary a name gives away; it decides the unit of `duration`.
enum class Dialect : std::uint8_t { common, caddy, traefik };

/// What a JSON path means.
struct JsonName {
  JsonSlot slot = JsonSlot::count_;  ///< count_: no field itself, only a parent of some
  std::uint8_t rank = 0;             ///< of several names for one slot in a line the lowest wins
  Dialect dialect = Dialect::common;
  std::uint16_t given = 0;  ///< the number of the --field that names it, from 1; 0: none does
};

/// The paths that are looked at: `a.b` for {"a":{"b":...}} and for {"a.b":...}, `a[0]` for the
/// first of an array; all in lower case, as case is ignored.
class JsonNames {
 public:
  /// The names of nginx, Envoy, Caddy, Traefik, the Elastic Common Schema, and tidelimit's csv
  /// columns.
  JsonNames();

  /// Adds `name=path` as --field takes it: `name` is a csv column, `path` where to find it. Goes
  /// before every known name.
  [[nodiscard]] Result<void> add_field(std::string_view name_and_path);

  /// How many were added by add_field().
  [[nodiscard]] std::size_t given() const { return given_; }

  /// nullptr: neither a field nor a parent of one.
  [[nodiscard]] const JsonName* find(std::string_view path) const {
    const auto at = names_.find(path);
    return at == names_.end() ? nullptr : &at->second;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  void add(std::string_view path, JsonName name);

  std::unordered_map<std::string, JsonName, Hash, std::equal_to<>> names_;
  std::uint16_t given_ = 0;  ///< of --field
};

}  // namespace tidelimit::ingest
