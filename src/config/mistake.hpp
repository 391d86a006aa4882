#pragma once

#include <string>

namespace tidelimit::config {

/// A mistake with its place; printed as "FILE:LINE: message".
struct Mistake {
  int line = 0;
  std::string message;
};

}  // namespace tidelimit::config
