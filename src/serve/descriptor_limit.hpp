#pragma once

#include <cstddef>

#include "base/error.hpp"

namespace tidelimit::serve {

/// Lets this process open descriptors for so many connections, where the system does: before loops
/// and files take theirs.
void raise_descriptor_limit_for(std::size_t connections);

/// For how many connections there are descriptors, `most` at most, once all else is open. A place
/// is promised only where there is a descriptor for it. Error: for too few to be a gate, with the
/// mend; for fewer than `most` one line is logged.
[[nodiscard]] Result<std::size_t> connections_with_descriptors(std::size_t most);

}  // namespace tidelimit::serve
