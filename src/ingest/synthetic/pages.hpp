#pragma once

#include "base/random.hpp"
#include "ingest/synthetic/batch.hpp"
#include "ingest/synthetic/demand.hpp"

namespace tidelimit::synthetic {

/// A page somebody asked for and the answer that follows from it alone.
struct Page {
  std::string_view method;
  Text path;
  std::uint16_t status = 200;  ///< of a success
  double latency_ms = 50;      ///< median
  double bytes = 2000;         ///< median
};

/// How the back ends of the shop fare: errors and latency move with time, load and incidents.
class Weather {
 public:
  explicit Weather(Random random);
  /// Once per window.
  void advance(UnixMinute start);
  /// Once per minute; `load` is the rate over its long average.
  void set_load(Endpoint endpoint, double load) { load_[endpoint] = load; }

  [[nodiscard]] double failure_ratio(Endpoint endpoint) const;  ///< answers 500, 502, 503, 504
  [[nodiscard]] double mistakes_factor() const { return mistakes_; }  ///< on customers' own errors
  [[nodiscard]] double slowness(Endpoint endpoint) const;

 private:
  struct Incident {
    int windows_left = 0;
    double severity = 0;
  };

  Random random_;
  PerEndpoint<Incident> incidents_{};
  PerEndpoint<double> load_{};
  double mistakes_ = 1.0;
};

/// A page of an endpoint, drawn by popularity.
[[nodiscard]] Page draw_page(Endpoint endpoint, Random& random);

/// Fills method, path and answer of a good customer's request.
void ask(Endpoint endpoint, const Weather& weather, Random& random, Batch& batch,
         traffic::Request& request);

/// Fills the answer: the status as given, latency and size scattered about their medians
/// (log-normal).
void answer(std::uint16_t status, double latency_ms, double bytes, Random& random,
            traffic::Request& request);

/// A product number; low ones are asked for more often.
[[nodiscard]] std::uint64_t draw_item(Random& random);
/// "q=red+shoes"
void append_query(Text& text, Random& random);

}  // namespace tidelimit::synthetic
