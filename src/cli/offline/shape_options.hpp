#pragma once

#include <string>

#include "base/error.hpp"
#include "cli/command_line.hpp"
#include "forecast/forecaster.hpp"

namespace tidelimit::cli {

/// --window, --history and --horizon.
struct ShapeOptions {
  std::string window;
  std::string history;
  std::string horizon;

  void add_to(Command command);
  /// The shape with what was named put in its place. Errors name the option.
  [[nodiscard]] Result<forecast::Shape> over(forecast::Shape shape) const;
};

}  // namespace tidelimit::cli
