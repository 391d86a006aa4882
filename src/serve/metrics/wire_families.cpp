#include "serve/metrics/families.hpp"

namespace tidelimit::serve {

void add_wire(Families& families, const MetricsInput& input) {
  families.counter(
      "tidelimit_http2_calmed_total",
      "HTTP/2 connections that were ended with ENHANCE_YOUR_CALM, by what they brought "
      "too much of: header_bytes in one head, large_heads, resets, idle_frames.");
  for (std::size_t i = 0; i < kExcesses; ++i)
    families.add({{"reason", to_string(static_cast<Excess>(i))}},
                 static_cast<double>(input.excesses[i]));
}

}  // namespace tidelimit::serve
