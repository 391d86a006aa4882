#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "engine/ends.hpp"

namespace tidelimit::engine {

/// What was set by hand on single targets, some of it for a while: one Record with a `target` and
/// an `until` on each. One thread.
template <class Record>
class HandBook {
 public:
  /// `pace`: Settings::calendar_pace.
  explicit HandBook(int pace) : ends_(pace) {}

  /// In the place of another on its target.
  void put(Record record, Now now) {
    erase(record.target);
    ends_.set(record.target, record.until, now);
    records_.push_back(std::move(record));
  }
  bool erase(const std::string& target) {
    ends_.erase(target);
    return std::erase_if(records_, [&](const auto& r) { return r.target == target; }) > 0;
  }
  /// Takes out what has ended.
  std::vector<Record> expire(Instant now) {
    std::vector<Record> ended;
    for (const std::string& target : ends_.past(now)) {
      if (const Record* record = find(target)) ended.push_back(*record);
      erase(target);
    }
    return ended;
  }
  /// After a jump of the wall clock: tells the ends by what it shows now.
  void restate(Now now) {
    for (auto& record : records_) record.until = ends_.until(record.target, now);
  }
  /// The earliest end, or Instant max.
  [[nodiscard]] Instant next_end() const { return ends_.next(); }
  /// The end of one, or Instant max.
  [[nodiscard]] Instant end_of(const std::string& target) const { return ends_.of(target); }

  [[nodiscard]] const std::vector<Record>& all() const { return records_; }
  [[nodiscard]] const Record* find(const std::string& target) const {
    const auto found = std::find_if(records_.begin(), records_.end(),
                                    [&](const auto& r) { return r.target == target; });
    return found == records_.end() ? nullptr : &*found;
  }

 private:
  std::vector<Record> records_;
  Ends ends_;  ///< by target
};

}  // namespace tidelimit::engine
