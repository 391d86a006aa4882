#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
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
    record.until = end_of_kept(record.until, record.made_at, now.wall);
    ends_.set(record.target, record.until, now);
    places_[record.target] = records_.size();
    records_.push_back(std::move(record));
    ++revision_;
  }
  bool erase(const std::string& named) {
    const std::string target = named;  // the caller's may live in what is erased
    const auto found = places_.find(target);
    if (found == places_.end()) return false;
    const std::size_t place = found->second;
    ends_.erase(target);
    places_.erase(found);
    records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(place));
    for (std::size_t i = place; i < records_.size(); ++i) --places_.at(records_[i].target);
    ++revision_;
    return true;
  }
  /// Takes out what has ended.
  std::vector<Record> expire(Instant now) {
    std::vector<Record> ended;
    for (const std::string& target : ends_.past(now)) {
      ends_.erase(target);
      const auto found = places_.find(target);
      if (found == places_.end()) continue;
      ended.push_back(records_[found->second]);
      places_.erase(found);
    }
    if (ended.empty()) return ended;
    // In one pass: thousands that were made together end together.
    std::erase_if(records_, [&](const Record& r) { return !places_.contains(r.target); });
    for (std::size_t i = 0; i < records_.size(); ++i) places_[records_[i].target] = i;
    ++revision_;
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
    const auto found = places_.find(target);
    return found == places_.end() ? nullptr : &records_[found->second];
  }

 protected:
  /// Another whenever a target came or went.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }

 private:
  std::vector<Record> records_;
  std::unordered_map<std::string, std::size_t> places_;  ///< in records_, by target
  std::uint64_t revision_ = 0;
  Ends ends_;  ///< by target
};

}  // namespace tidelimit::engine
