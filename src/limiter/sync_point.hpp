#pragma once

/// Names a place where another thread may interleave. Tests that force lost races compile the
/// sources once more with TIDELIMIT_SYNC_POINTS and set the hook; otherwise it is nothing at all.
#ifdef TIDELIMIT_SYNC_POINTS
#include <functional>
namespace tidelimit::limiter {
inline std::function<void(const char*)> sync_point_hook;
}
#define TIDELIMIT_SYNC_POINT(name) \
  if (::tidelimit::limiter::sync_point_hook) ::tidelimit::limiter::sync_point_hook(name)
#else
#define TIDELIMIT_SYNC_POINT(name) static_cast<void>(0)
#endif
