#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidelimit::cli::report {

/// The page's colours by meaning; page.hpp's style sheet gives each its tint, by day and by night.
enum class Ink : std::uint8_t {
  traffic,   ///< what came
  passed,    ///< allowed
  forecast,  ///< what was expected
  limit,     ///< a limit in force
  base,      ///< a reference: base limits, the naive forecast
  denied,    ///< over the limit
  reduced,   ///< denied by an adapted limit
  blocked,   ///< denied by a verdict
  other,
};

enum class Shape : std::uint8_t {
  line,   ///< from point to point
  steps,  ///< each value holds until the next x
  bars,   ///< as steps, filled down to `low` (0 where absent): counts per bin
  band,   ///< filled between `low` and `y`; cut where it would dwarf the other curves
};

/// One curve. NaN in y breaks it.
struct Curve {
  std::string name = {};  ///< for the legend; empty: none
  Ink ink = Ink::traffic;
  Shape shape = Shape::line;
  std::vector<double> x = {};    ///< Unix seconds, ascending
  std::vector<double> y = {};    ///< as long as x
  std::vector<double> low = {};  ///< lower edge of bars and bands; empty: 0
  bool dashed = false;
};

/// One chart over time. Curves are drawn in their order, the last on top.
struct Plot {
  std::string title = {};
  std::string unit = {};  ///< of y, in words: "requests per 15 minutes"
  double from = 0;        ///< of x, Unix seconds; from < until
  double until = 1;
  double height = 200;  ///< of the drawing area, in pixels
  std::vector<Curve> curves = {};
};

/// The chart as an HTML <figure>: title, legend and an inline SVG that scales with the page. Curves
/// of many points are thinned to what a screen can show: bars and steps keep their extremes.
[[nodiscard]] std::string render(const Plot& plot);

/// Counts in bins piled up on each other, from the bottom: gives each curve the `low` and `y` that
/// stacking asks for. All have the same x.
void stack(std::vector<Curve>& curves);

}  // namespace tidelimit::cli::report
