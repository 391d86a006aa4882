#pragma once

#include "engine/hand_book.hpp"
#include "engine/history.hpp"
#include "policy/verdict_book.hpp"

namespace tidelimit::engine {

/// The operator's labels in force, one a client. One thread.
class LabelBook : public HandBook<LabelRecord> {
 public:
  using HandBook::HandBook;

  /// As the verdicts take it. The record was checked.
  [[nodiscard]] static policy::Label as_label(const LabelRecord& record);
};

}  // namespace tidelimit::engine
