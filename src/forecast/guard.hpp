#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "forecast/naive.hpp"

namespace tidelimit::forecast {

/// Who competes for being published: the model, and the naive forecasts that everybody can do.
inline constexpr std::array kContenders{Source::lstm, Source::last_value, Source::yesterday,
                                        Source::week_ago, Source::typical};

/// Lets the model speak only while it is worth it, and the mean that stands in for it likewise. At
/// each judged origin of the past the contenders are compared by their relative_error over the last
/// two days, newer ones weighing more (half-life half a day). A naive forecast takes over when the
/// model was half again as far off as it; the model comes back when it was as close as the one in
/// charge: two thresholds, so that it does not flap. Where the model is well this costs nothing
/// (docs/models.md); a broken one is replaced within hours. Pure: the choice at an origin depends
/// on the week and two days before it alone, so it is the same after a restart and in replay.
class Guard {
 public:
  /// at() is asked for origins from `asked_from` on: what only earlier ones would need is not
  /// worked out.
  explicit Guard(const Spans& spans, std::size_t asked_from = 0);

  /// What the model, or the mean that stands in for it, forecast at a judged origin; in ascending
  /// order of origins. `series` knows the horizon that followed.
  void add(const Series& series, std::size_t origin, double point);

  struct Choice {
    Source source = Source::lstm;
    /// Of kContenders over the last two days, requests per horizon; infinite where one had no past
    /// to forecast from, all zero and `judged` false while too little has come true.
    std::array<double, kContenders.size()> errors{};
    bool judged = false;
  };
  [[nodiscard]] Choice at(std::size_t origin) const;
  /// Drops what no later origin than `origin` reads.
  void forget_before(std::size_t origin);

 private:
  struct Row {
    std::size_t origin = 0;
    using Numbers = std::array<double, kContenders.size()>;
    std::size_t count = 0;  ///< of origins in the means
    Numbers error{};        ///< |forecast - truth| of this origin alone
    Numbers loss{};         ///< relative_error of it
    Numbers mean_error{};   ///< up to this origin, newer ones weighing more
    Numbers mean_loss{};    ///< likewise
  };

  Spans spans_;
  std::size_t asked_from_;
  std::vector<double> weights_;  ///< by age in windows, as far as a mean reaches
  std::vector<Row> rows_;
};

/// Forecasts of a naive source at `origins`; where it has no past, the last horizon's.
[[nodiscard]] std::vector<double> naive_points(const Series& series, Source source,
                                               std::span<const std::size_t> origins);

/// "the same hours yesterday", for messages.
[[nodiscard]] const char* in_words(Source source);

}  // namespace tidelimit::forecast
