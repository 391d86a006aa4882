#pragma once

#include <string>
#include <utility>

#include "cli/input.hpp"
#include "cli/reading_progress.hpp"
#include "cli/suggest/time_sorter.hpp"

namespace tidelimit::cli {

/// Passes over the requests of the inputs: as they lie there, or in the order of their times. One
/// thread.
class LogPasses {
 public:
  explicit LogPasses(const Input& input) : input_(input) {}

  /// From the next pass on.
  void sort() { sorts_ = true; }
  [[nodiscard]] bool sorts() const { return sorts_; }
  /// Requests that the last pass could not put in order.
  [[nodiscard]] std::uint64_t late() const { return late_; }

  template <class Take>
  [[nodiscard]] Result<ingest::ReadReport> each(std::string title, Take&& take) {
    ReadingProgress reading(input_, std::move(title));
    if (!sorts_) return reading.each(take);
    TimeSorter sorter;
    auto report = reading.each([&](const traffic::Request& request) { sorter.add(request, take); });
    sorter.finish(take);
    late_ = sorter.late();
    return report;
  }

 private:
  const Input& input_;
  bool sorts_ = false;
  std::uint64_t late_ = 0;
};

}  // namespace tidelimit::cli
