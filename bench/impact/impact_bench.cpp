#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <string_view>

#include "figures.hpp"
#include "impact/past.hpp"
#include "impact/runs.hpp"

namespace {

using namespace tidelimit;
using namespace tidelimit::impact;

constexpr std::size_t kSeeds = 3;
constexpr std::uint64_t kPastSeed = 7;

int give_up(const Error& error) {
  fmt::print(stderr, "impact_bench: {}\n", error.message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  for (int i = 1; i < argc; ++i) json = json || std::string_view(argv[i]) == "--json";

  const auto models = train(forecast::Preset::best, kPastSeed);
  if (!models) return give_up(models.error());
  const auto outcomes = play_all({Nanos{0}, std::chrono::hours{24}}, kSeeds, *models);
  if (!outcomes) return give_up(outcomes.error());
  if (!json) fmt::print("A day in virtual time, {} seeds\n\n{}\n", kSeeds, tables(*outcomes));

  bench::Figures figures;
  for (const Promise& promise : promises(*outcomes)) {
    figures.add({.name = std::string(promise.name),
                 .value = promise.value.mean,
                 .unit = "ratio",
                 .aim = std::string(promise.aim)});
  }
  return figures.print(argc, argv);
}
