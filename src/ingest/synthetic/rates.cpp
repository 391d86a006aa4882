#include "ingest/synthetic/rates.hpp"

#include <charconv>
#include <cmath>

#include "base/text.hpp"

namespace tidelimit::synthetic {
namespace {

void append_number(double value, std::string& out) {
  if (std::isnan(value)) return;  // an empty field: not known
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                 std::chars_format::fixed, 3);
  out.append(digits.data(), end.ptr);
}

tl::unexpected<Error> bad_line(std::uint64_t line, std::string_view what) {
  return fail(Code::invalid_argument, "line " + std::to_string(line) + ": " + std::string(what));
}

/// The columns that read_known_hours needs, by their place in the header.
struct Columns {
  std::size_t timestamp, endpoint, oracle, causal, actual, count;
};

Result<Columns> find_columns(std::string_view header) {
  const auto names = split(trim(header), ',');
  std::string_view missing;
  const auto place = [&](std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) missing = name;
    return static_cast<std::size_t>(found - names.begin());
  };
  const Columns columns{place("timestamp"),        place("endpoint"),
                        place("oracle_next_hour"), place("causal_next_hour"),
                        place("actual_next_hour"), names.size()};
  if (!missing.empty()) {
    return bad_line(1, "no column " + std::string(missing) +
                           ": this is no rates file of tidelimit generate --rates");
  }
  return columns;
}

}  // namespace

RateTrack::RateTrack(Endpoint endpoint, const NoiseLaw& law, Random random)
    : endpoint_(endpoint), filter_(law, random) {}

void RateTrack::open(WallTime start, const std::array<KnownRate, kHorizon>& next, double rate) {
  open_ = next.front();
  RateRow& row = pending_.emplace_back();
  row.time = start;
  row.endpoint = endpoint_;
  row.rate = rate;
  row.causal_next_hour = filter_.forecast(next);
}

void RateTrack::close(double requests, std::vector<RateRow>& rows) {
  pending_.back().requests = requests;
  filter_.learn(open_, requests);
  if (pending_.size() < kHorizon) return;
  RateRow& row = pending_.front();
  row.oracle_next_hour = row.actual_next_hour = 0;
  for (const RateRow& window : pending_) {
    row.oracle_next_hour += window.rate;
    row.actual_next_hour += window.requests;
  }
  rows.push_back(row);
  pending_.pop_front();
}

void RateTrack::finish(std::vector<RateRow>& rows) {
  rows.insert(rows.end(), pending_.begin(), pending_.end());
  pending_.clear();
}

void FloorTally::add(std::string_view endpoint, double oracle, double causal, double actual) {
  if (std::isnan(oracle) || std::isnan(causal) || std::isnan(actual)) return;
  auto sum = std::find_if(sums_.begin(), sums_.end(),
                          [&](const Floor& floor) { return floor.endpoint == endpoint; });
  if (sum == sums_.end()) {
    sums_.emplace_back().endpoint = endpoint;
    sum = sums_.end() - 1;
  }
  ++sum->origins;
  sum->mean += actual;
  sum->oracle_mae += std::abs(actual - oracle);
  sum->causal_mae += std::abs(actual - causal);
}

std::vector<Floor> FloorTally::floors() const {
  std::vector<Floor> floors = sums_;
  for (Floor& floor : floors) {
    const auto n = static_cast<double>(floor.origins);
    floor.mean /= n;
    floor.oracle_mae /= n;
    floor.causal_mae /= n;
  }
  return floors;
}

Floor average(const std::vector<Floor>& floors) {
  Floor mean;
  mean.endpoint = "average";
  if (floors.empty()) return mean;
  const auto n = static_cast<double>(floors.size());
  for (const Floor& floor : floors) {
    mean.origins += floor.origins;
    mean.mean += floor.mean / n;
    mean.oracle_mae += floor.oracle_mae / n;
    mean.causal_mae += floor.causal_mae / n;
  }
  return mean;
}

std::string rates_header() {
  return "timestamp,endpoint,requests,rate,oracle_next_hour,causal_next_hour,actual_next_hour\n";
}

void append_csv(const RateRow& row, std::string& out) {
  out += format_time(row.time);
  out += ',';
  out += name_of(row.endpoint);
  for (const double value :
       {row.requests, row.rate, row.oracle_next_hour, row.causal_next_hour, row.actual_next_hour}) {
    out += ',';
    append_number(value, out);
  }
  out += '\n';
}

Result<std::vector<KnownHour>> read_known_hours(std::istream& rates) {
  std::string line;
  if (!std::getline(rates, line)) return fail(Code::invalid_argument, "the rates file is empty");
  const auto columns = find_columns(line);
  if (!columns) return tl::unexpected(columns.error());
  std::vector<KnownHour> hours;
  for (std::uint64_t number = 2; std::getline(rates, line); ++number) {
    const auto fields = split(trim(line), ',');
    if (fields.size() != columns->count) {
      return bad_line(number, "has " + std::to_string(fields.size()) + " fields, not " +
                                  std::to_string(columns->count));
    }
    const auto time = parse_time(fields[columns->timestamp]);
    if (!time) return bad_line(number, time.error().message);
    if (fields[columns->actual].empty()) continue;  // the data end within that hour
    const auto oracle = parse_double(fields[columns->oracle]);
    const auto causal = parse_double(fields[columns->causal]);
    const auto actual = parse_double(fields[columns->actual]);
    if (!oracle || !causal || !actual) return bad_line(number, "a forecast is not a number");
    hours.push_back({*time, std::string(fields[columns->endpoint]), *oracle, *causal, *actual});
  }
  return hours;
}

}  // namespace tidelimit::synthetic
