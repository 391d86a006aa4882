#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "anomaly/contribution.hpp"
#include "anomaly/setting.hpp"
#include "base/error.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::anomaly {

struct TrainOptions {
  Setting setting = Setting::plain;  ///< the textbook's; gates have best
  int trees = 100;
  int sample = 256;
  double contamination =
      0.01;  ///< sets the offset of the scores over training client-windows; no quota
  double false_alarms = 1e-5;  ///< promised share of clean client-windows above the alarm threshold
  std::uint64_t seed = 1;
  /// Names of the tiers that rows speak of (ClientFeatures::tier), for the usual ranges of each.
  std::vector<std::string> tiers = {};
};

/// A trained detector: Isolation Forest (Liu, Ting and Zhou 2008), feature scaling, thresholds,
/// usual ranges. Immutable, thread-safe to read. (Internals, and how model/ reads and writes them,
/// are in anomaly/isolation_forest.hpp and anomaly/detector_model.hpp.)
class Detector;

/// Rows of client-windows -> a detector. Equal rows and options give equal results.
/// Errors: fewer than 256 rows (says how many there were).
[[nodiscard]] Result<std::shared_ptr<const Detector>> train(
    const std::vector<traffic::ClientFeatures>& rows, const TrainOptions& options);

/// Anomaly score in (0, 1): 2^(-E[h(x)] / c(sample)); 0.5 is usual, towards 1 odd.
[[nodiscard]] double score(const Detector& detector, const traffic::ClientFeatures& features);

/// Scores above this are alarms: the share `contamination` of the ordinary rows of training. What
/// keeps the false-alarm promise are the levels of harm.
[[nodiscard]] double threshold(const Detector& detector);

/// How a client may do harm, so that it is not only odd. "Quieter than usual" is no harm.
enum class Harm : std::uint8_t {
  none,
  failing,   ///< its requests fail far more often than usual, and than the others' do now
  pressing,  ///< it asks far more often than anybody usually does
};
/// `granted_per_minute`: what the gate's limits grant one client anyway; within it nobody presses.
[[nodiscard]] Harm harm(const Detector& detector, const traffic::ClientFeatures& features,
                        double granted_per_minute = 0);

/// Whether a client fails so plainly that no training is needed to see it: most of a good number of
/// requests, while others' do not. What such a client did before is no part of what is usual.
[[nodiscard]] bool plainly_fails(const traffic::ClientFeatures& features);

/// What is found of one row.
struct Finding {
  Harm harm = Harm::none;
  double score = 0;       ///< of one that does harm; 0 of others, of whom nobody asks the forest
  bool evidence = false;  ///< of malice: an alarm, and in a harmful direction
};
/// Most rows do no harm, which is seen at once; a score costs a hundred trees.
[[nodiscard]] Finding examine(const Detector& detector, const traffic::ClientFeatures& features,
                              double granted_per_minute = 0);

/// Largest contribution first. Usual ranges are those of `tier`, where the detector knows it, else
/// of all clients.
[[nodiscard]] std::vector<Contribution> explain(const Detector& detector,
                                                const traffic::ClientFeatures& features,
                                                std::string_view tier = {});

/// "214 requests a minute (usual for STD: 0.2 to 21)", one for each contribution that pushed the
/// score up with a value out of its usual range; where none is, one that says that all are odd
/// together.
[[nodiscard]] std::vector<std::string> in_words(const std::vector<Contribution>& contributions);

}  // namespace tidelimit::anomaly
