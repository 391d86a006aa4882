#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelimit::bench {

/// One measured number beside its reference of the same run.
struct Figure {
  std::string name;  ///< [a-z0-9_]
  double value = 0;
  std::string unit;
  std::string reference = {};  ///< what it is compared with; empty: nothing
  double reference_value = 0;
  std::string aim = {};  ///< "<=1.5", ">=1500000": of the ratio where there is a reference, else of
                         ///< the value; empty: none

  /// value / reference_value; NaN where there is no reference.
  [[nodiscard]] double ratio() const {
    return reference.empty() ? std::nan("") : value / reference_value;
  }

  /// Whether the aim is met; true where there is none.
  [[nodiscard]] bool met() const {
    if (aim.empty()) return true;
    const double judged = reference.empty() ? value : ratio();
    const double bound = std::strtod(aim.c_str() + aim.find_first_of("-.0123456789"), nullptr);
    if (aim.starts_with("<=")) return judged <= bound;
    if (aim.starts_with(">=")) return judged >= bound;
    return aim.front() == '<' ? judged < bound : judged > bound;
  }
};

/// The figures of one benchmark binary. `return figures.print(argc, argv);` ends its main: a table
/// for people, with --json the object that scripts/bench collects. Always status 0: an aim that is
/// missed is a fact to report, not a failure to run.
class Figures {
 public:
  void add(Figure figure) { figures_.push_back(std::move(figure)); }

  int print(int argc, char** argv) const {
    bool json = false;
    for (int i = 1; i < argc; ++i) json = json || std::string_view(argv[i]) == "--json";
    const std::string text = json ? as_json() : as_table();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
  }

 private:
  static std::string json_number(double number) {
    return std::isfinite(number) ? fmt::format("{:.6g}", number) : "null";
  }

  [[nodiscard]] std::string as_json() const {
    std::string out = "{\"figures\":[";
    for (const Figure& f : figures_) {
      if (&f != &figures_.front()) out += ',';
      const bool compared = !f.reference.empty();
      const std::string reference = compared ? '"' + f.reference + '"' : "null";
      const std::string aim = f.aim.empty() ? "null" : '"' + f.aim + '"';
      out += fmt::format(
          R"({{"name":"{}","value":{},"unit":"{}","reference":{},"reference_value":{},"ratio":{},"aim":{}}})",
          f.name, json_number(f.value), f.unit, reference,
          compared ? json_number(f.reference_value) : "null", json_number(f.ratio()), aim);
    }
    return out + "]}\n";
  }

  [[nodiscard]] std::string as_table() const {
    std::string out = fmt::format("{:<32} {:>14} {:<12} {:<26} {:>14} {:>8}  {}\n", "figure",
                                  "value", "unit", "reference", "its value", "ratio", "aim");
    for (const Figure& f : figures_) {
      const bool compared = !f.reference.empty();
      out += fmt::format("{:<32} {:>14.6g} {:<12} {:<26} {:>14} {:>8}  {}{}\n", f.name, f.value,
                         f.unit, compared ? f.reference : "-",
                         compared ? fmt::format("{:.6g}", f.reference_value) : "-",
                         compared ? fmt::format("{:.3f}", f.ratio()) : "-", f.aim,
                         f.aim.empty() ? "" : (f.met() ? " met" : " MISSED"));
    }
    return out;
  }

  std::vector<Figure> figures_;
};

}  // namespace tidelimit::bench
