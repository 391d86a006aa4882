#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ingest/line_parser.hpp"
#include "ingest/timestamp.hpp"

namespace tidelimit::ingest {

/// The W3C extended log file format, as IIS (spaces) and CloudFront (tabs) write it: lines under a
/// `#Fields:` directive that names them, which may come again with other fields. Needed are `time`
/// with `date` or a `#Date:` directive (UTC), `c-ip`, and `cs-uri-stem` or `cs-uri`. Without `date`
/// a time over an hour before that of the line above is of the next day. `time-taken` with a point
/// is seconds, without one milliseconds.
class W3cParser final : public LineParser {
 public:
  [[nodiscard]] Unreadable parse(std::string_view line, traffic::Request& out) override;
  [[nodiscard]] std::string_view format() const override { return "w3c"; }
  [[nodiscard]] std::string advice(std::string_view line) override;

  /// "#Fields: ...", "#Software: ...": no other comment.
  [[nodiscard]] static bool is_directive(std::string_view line);

  /// What a field is used for.
  enum class Use : std::uint8_t {
    date,
    time,
    client,
    forwarded_for,
    user,
    method,
    stem,
    query,
    uri,
    status,
    agent,
    bytes,
    time_taken,
    count_,
  };

 private:
  static constexpr std::size_t kUses = static_cast<std::size_t>(Use::count_);

  void read_directive(std::string_view line);
  void split(std::string_view line);
  [[nodiscard]] std::string_view text(Use use) const;
  [[nodiscard]] std::optional<WallTime> read_time();
  [[nodiscard]] WallTime after_midnight(WallTime time);
  void set_target(traffic::Request& out);
  void set_latency(traffic::Request& out) const;

  std::vector<Use> uses_;  ///< of each field of a line; count_: none
  std::vector<std::string_view> fields_;
  std::array<std::string_view, kUses> values_{};
  std::string date_;  ///< of the last #Date: directive
  std::chrono::days days_since_date_{};
  std::optional<WallTime> last_;  ///< of the last line whose fields name no date, or of #Date:
  std::string when_scratch_;
  std::string path_scratch_;
  std::string agent_scratch_;
  LogClock clock_;
};

}  // namespace tidelimit::ingest
