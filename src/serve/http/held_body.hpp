#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "serve/http/byte_budget.hpp"

namespace tidelimit::serve {

/// A body that is kept until it is whole or handled, and its share of the budget. Only moved.
class HeldBody {
 public:
  /// Null: it counts nowhere.
  explicit HeldBody(ByteBudget* budget) : share_(budget) {}

  /// Has the budget count what `bytes` has grown by; false when there is no room for it.
  [[nodiscard]] bool count() { return share_.resize(std::max(bytes.size(), share_.bytes())); }

  std::string bytes;

 private:
  BudgetShare share_;
};

}  // namespace tidelimit::serve
