#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/ends.hpp"
#include "engine/history.hpp"
#include "policy/verdict_book.hpp"

namespace tidelimit::engine {

/// The operator's labels in force, one a client. One thread.
class LabelBook {
 public:
  /// `pace`: Settings::calendar_pace.
  explicit LabelBook(int pace) : ends_(pace) {}

  /// As the verdicts take it. The record was checked.
  [[nodiscard]] static policy::Label as_label(const LabelRecord& record);

  void put(const LabelRecord& record, Now now);
  bool erase(const std::string& target);
  /// Takes out what has ended.
  [[nodiscard]] std::vector<LabelRecord> expire(Instant now);
  /// After a jump of the wall clock: tells the ends by what it shows now.
  void restate(Now now);
  /// The earliest end, or Instant max.
  [[nodiscard]] Instant next_end() const { return ends_.next(); }

  [[nodiscard]] const std::vector<LabelRecord>& all() const { return records_; }
  [[nodiscard]] const LabelRecord* find(const std::string& target) const;

 private:
  std::vector<LabelRecord> records_;
  Ends ends_;  ///< by target
};

}  // namespace tidelimit::engine
