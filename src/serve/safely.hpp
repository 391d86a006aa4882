#pragma once

#include <exception>
#include <utility>

#include "base/error.hpp"

namespace tidelimit::serve {

/// What is thrown on a thread ends the process: std::bad_alloc, and what libraries may throw. Of
/// `work`, which returns a Result, it becomes an error as any other.
template <class Work>
[[nodiscard]] auto safely(Work&& work) -> decltype(work()) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::exception& fault) {
    return fail(Code::internal, fault.what());
  }
}

}  // namespace tidelimit::serve
