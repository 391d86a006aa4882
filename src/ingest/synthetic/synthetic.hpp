#pragma once

#include <memory>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "ingest/synthetic/demand.hpp"
#include "ingest/synthetic/labels.hpp"
#include "ingest/synthetic/rates.hpp"
#include "traffic/request.hpp"

namespace tidelimit::synthetic {

struct SyntheticOptions {
  WallTime start{
      std::chrono::sys_days{std::chrono::year{2026} / 1 / 5}};  ///< a Monday; on a window
  double days = 30;  ///< rounded to whole windows; (0, 36500], and ends before 2200
  std::uint64_t seed = 1;
  double scale = 1.0;       ///< of rates and people; [0.001, 10000]
  double attackers = 0.02;  ///< their share of the clients, about; [0, 0.5]
  bool rates = false;       ///< follow the true rates, at some cost in time
  std::vector<ScheduledSpike> schedule = usual_schedule();
  NoiseLaw noise{};
};

/// The traffic of a web shop, request by request in order of time, in bounded memory:
///   auto traffic = SyntheticTraffic::create(options);
///   traffic::Request request;
///   while (traffic->next(request)) { ... }   // views hold until the next call
/// Equal options give equal streams. The good requests do not depend on the attackers. One thread.
class SyntheticTraffic {
 public:
  /// The error names the option that is out of range.
  [[nodiscard]] static Result<SyntheticTraffic> create(SyntheticOptions options);
  ~SyntheticTraffic();
  SyntheticTraffic(SyntheticTraffic&&) noexcept;
  SyntheticTraffic& operator=(SyntheticTraffic&&) noexcept;

  /// The next request; false after the last.
  bool next(traffic::Request& request);

  /// The clients that appeared since the last call, each once.
  [[nodiscard]] ClientLabels take_labels();
  /// The rows completed since the last call, in order of time; none unless options.rates.
  [[nodiscard]] std::vector<RateRow> take_rates();

  /// How much of the time span is done, 0..1.
  [[nodiscard]] double progress() const;
  [[nodiscard]] WallTime end() const;

 private:
  class World;
  explicit SyntheticTraffic(std::unique_ptr<World> world);
  std::unique_ptr<World> world_;
};

}  // namespace tidelimit::synthetic
