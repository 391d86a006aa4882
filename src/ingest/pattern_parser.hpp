#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "ingest/line_parser.hpp"
#include "ingest/timestamp.hpp"

namespace tidelimit::ingest {

/// Lines of a custom nginx log_format, named by its pattern, as in
///   $remote_addr [$time_iso8601] "$request" $status $request_time "$http_user_agent"
/// $date and $time are a UTC time in two columns. Beyond nginx's variables there are
/// $remote_addr_port, an address with a port behind its last colon, and $request_time_ms. Variables
/// that say nothing about a request are stepped over. A value ends where the literal text behind
/// its variable begins (in quotes: at the first quote that is not escaped); text behind the
/// pattern's end is ignored.
class PatternParser final : public LineParser {
 public:
  /// The error says what is wrong with the pattern or which variables it lacks. `name` is what
  /// format() says; it outlives the parser.
  [[nodiscard]] static Result<std::unique_ptr<PatternParser>> from_pattern(
      std::string_view pattern, std::string_view name = "custom");

  [[nodiscard]] Unreadable parse(std::string_view line, traffic::Request& out) override;
  [[nodiscard]] std::string_view format() const override { return name_; }
  [[nodiscard]] std::string advice(std::string_view line) override;

  /// What variables are used for.
  enum class Use : std::uint8_t {
    nothing,
    time,
    date,
    time_of_day,
    peer,
    peer_and_port,
    forwarded_for,
    user_header,
    remote_user,
    tier,
    request,
    method,
    target,
    status,
    agent,
    latency,
    latency_ms,
    upstream_latency,
    bytes,
    count_,
  };

 private:
  static constexpr std::size_t kUses = static_cast<std::size_t>(Use::count_);

  /// A variable and the literal text behind it (empty: the variable runs to the line's end).
  struct Piece {
    Use use = Use::nothing;
    std::string literal;
  };

  explicit PatternParser(std::string_view name) : name_(name) {}
  [[nodiscard]] Unreadable parse_bare(std::string_view line, traffic::Request& out);
  Result<void> add_variable(std::string_view name);
  [[nodiscard]] Result<void> check() const;
  [[nodiscard]] bool cut(std::string_view line);
  [[nodiscard]] std::string_view value(Use use, std::string& scratch) const;

  [[nodiscard]] std::string_view time_text();
  [[nodiscard]] std::string_view peer() const;
  [[nodiscard]] std::optional<double> latency_ms() const;
  std::string_view text(Use use) const { return values_[static_cast<std::size_t>(use)]; }

  std::string_view name_;
  std::string head_;  ///< literal text before the first variable
  std::vector<Piece> pieces_;
  std::array<std::string_view, kUses> values_{};
  std::array<bool, kUses> has_{};
  std::string time_scratch_;
  std::string request_scratch_;
  std::string agent_scratch_;
  std::string user_scratch_;
  std::string tier_scratch_;
  LogClock clock_;
};

}  // namespace tidelimit::ingest
