// The flood: 100 million distinct keys against a table of a million buckets; `--keys N` for others.
#include <cstdlib>
#include <string_view>

#include "limiter/flood.hpp"

int main(int argc, char** argv) {
  std::uint64_t keys = 100'000'000;
  for (int i = 1; i + 1 < argc; ++i)
    if (std::string_view(argv[i]) == "--keys") keys = std::strtoull(argv[i + 1], nullptr, 10);
  tidelimit::bench::Figures figures;
  tidelimit::bench::flood(figures, keys);
  return figures.print(argc, argv);
}
