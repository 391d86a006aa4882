#pragma once

#include "figures.hpp"

namespace tidelimit::bench {

/// Instructions per decision and per call of the floor, counted by callgrind: the same on a busy
/// machine as on a quiet one. No figures where valgrind is missing.
void instructions(Figures& figures);

/// What runs under callgrind: `what` is `decide`, `decide_control` (the control plane publishes a
/// plan and verdicts every 1,000 decisions) or `floor`. Returns the exit status.
int run_counted(const char* what);

}  // namespace tidelimit::bench
