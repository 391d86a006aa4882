#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/history.hpp"
#include "policy/verdict_book.hpp"

namespace tidelimit::engine {

/// The operator's labels in force, one a client. One thread.
class LabelBook {
 public:
  /// The client that a record names; an error where it names none.
  [[nodiscard]] static Result<ClientId> client_named(const std::string& target);
  /// As the verdicts take it. The record was checked.
  [[nodiscard]] static policy::Label as_label(const LabelRecord& record);

  void put(const LabelRecord& record);
  bool erase(const std::string& target);
  /// Takes out what has ended.
  [[nodiscard]] std::vector<LabelRecord> expire(WallTime now);
  /// The earliest end, or WallTime max.
  [[nodiscard]] WallTime next_end() const;

  [[nodiscard]] const std::vector<LabelRecord>& all() const { return records_; }
  [[nodiscard]] const LabelRecord* find(const std::string& target) const;

 private:
  std::vector<LabelRecord> records_;
};

}  // namespace tidelimit::engine
