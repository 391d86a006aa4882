#pragma once

#include "cli/import/translation.hpp"

namespace tidelimit::cli {

/// What only the whole of the descriptors tells: tiers and endpoints in their order, the endpoints'
/// names, and what one limit means beside the others. The last endpoint is `other`.
void settle(Translation& done);

}  // namespace tidelimit::cli
