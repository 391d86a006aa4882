#pragma once

#include <string>
#include <vector>

#include "anomaly/contribution.hpp"
#include "anomaly/detector.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::anomaly {

/// As in_words() of the contributions alone, with ratios as they were counted in `figures`, the
/// client's at the same time, and with what is usual of as many requests: the features' own are
/// drawn towards what is usual.
[[nodiscard]] std::vector<std::string> in_words(const std::vector<Contribution>& contributions,
                                                const traffic::ClientFigures& figures);

/// Why a client is judged: the harm it does (harm()) first, then what else of it stands out.
[[nodiscard]] std::vector<std::string> reasons(const Detector& detector,
                                               const traffic::ClientFeatures& features,
                                               std::vector<Contribution> contributions,
                                               const traffic::ClientFigures& figures);

}  // namespace tidelimit::anomaly
