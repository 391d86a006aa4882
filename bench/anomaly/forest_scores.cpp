// Scores the rows of a CSV file with an isolation forest fitted to these same rows, one score a
// line, higher for odder; a last column `label` is ignored.
//   forest_scores FILE.csv [--trees 100] [--sample 256] [--seed 1] [--plain]
// --plain: the forest of Liu, Ting and Zhou; else the default setting.

#include <cstdio>
#include <fmt/format.h>
#include <iterator>
#include <string>
#include <string_view>

#include "anomaly/isolation_forest.hpp"
#include "anomaly/outlier_table.hpp"
#include "base/text.hpp"

namespace tidelimit::bench {
namespace {

constexpr const char* kUsage =
    "usage: forest_scores FILE.csv [--trees N] [--sample N] [--seed N] [--plain]";
constexpr std::uint64_t kMostTrees = 10'000;
constexpr std::uint64_t kMostSample = 1u << 16;

struct Arguments {
  std::string file;
  anomaly::ForestOptions forest;
};

Result<std::uint64_t> number_of(std::string_view name, std::string_view text, std::uint64_t least,
                                std::uint64_t most) {
  const auto value = parse_uint(text);
  if (!value || *value < least || *value > most) {
    return fail(Code::invalid_argument,
                fmt::format("{}: \"{}\" is not a whole number from {} to {}", name,
                            printable(text, 60), least, most));
  }
  return *value;
}

Result<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--plain") {
      arguments.forest.setting = anomaly::Setting::plain;
    } else if (argument == "--trees" || argument == "--sample" || argument == "--seed") {
      if (i + 1 == argc)
        return fail(Code::invalid_argument, fmt::format("{} needs a number", argument));
      const std::string_view text = argv[++i];
      const bool trees = argument == "--trees";
      const bool seed = argument == "--seed";
      const auto value = number_of(argument, text,
                                   seed    ? 0
                                   : trees ? 1
                                           : 2,
                                   seed    ? UINT64_MAX
                                   : trees ? kMostTrees
                                           : kMostSample);
      if (!value) return tl::unexpected(value.error());
      (seed    ? arguments.forest.seed
       : trees ? arguments.forest.trees
               : arguments.forest.sample) = *value;
    } else if (argument.starts_with("-")) {
      return fail(Code::invalid_argument,
                  fmt::format("unknown option {}", printable(argument, 60)));
    } else if (!arguments.file.empty()) {
      return fail(Code::invalid_argument, "one file at a time");
    } else {
      arguments.file = argument;
    }
  }
  if (arguments.file.empty()) return fail(Code::invalid_argument, "no file given");
  return arguments;
}

int refuse(const std::string& why) {
  std::fprintf(stderr, "forest_scores: %s\n", why.c_str());
  return 2;
}

int run(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (!arguments) return refuse(arguments.error().message + "\n" + kUsage);
  const auto table = read_outliers(arguments->file);
  if (!table) return refuse(table.error().message);
  const auto forest = anomaly::IsolationForest::fit(table->rows(), arguments->forest);
  std::vector<double> scores(table->outlier.size());
  forest.score(table->rows(), scores);
  std::string out;
  for (const double score : scores) fmt::format_to(std::back_inserter(out), "{}\n", score);
  const bool written = std::fwrite(out.data(), 1, out.size(), stdout) == out.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tidelimit::bench

int main(int argc, char** argv) {
  return tidelimit::bench::run(argc, argv);
}
