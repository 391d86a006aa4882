#include "anomaly/scikit_learn.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <vector>

namespace tidelimit::bench {
namespace {

/// For a shell: what stands between single quotes means itself.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// Lines that reference.py prints; fewer where it fails, and why stands on standard error.
std::vector<std::string> ask(const std::string& arguments) {
  // Debian's own interpreter: another one on the PATH would not find Debian's packages.
  const std::string command =
      "/usr/bin/python3 " + quoted(TIDELIMIT_ANOMALY_BENCH "/reference.py") + " " + arguments;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             ::pclose);
  std::vector<std::string> lines;
  std::array<char, 512> line{};
  while (pipe && std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
    lines.emplace_back(line.data());
  }
  return lines;
}

}  // namespace

std::map<std::string, Ranking> scikit_accuracy(const std::string& folder, int seeds) {
  std::string files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string path = entry.path().string();
    if (path.find(".csv") != std::string::npos) files += " " + quoted(path);
  }
  std::map<std::string, Ranking> rankings;
  for (const std::string& line : ask(fmt::format("accuracy {}{}", seeds, files))) {
    std::array<char, 200> name{};
    Ranking ranking;
    if (std::sscanf(line.c_str(), "%199s %lf %lf", name.data(), &ranking.auroc,
                    &ranking.average_precision) == 3) {
      rankings[name.data()] = ranking;
    }
  }
  return rankings;
}

std::optional<ScikitSpeed> scikit_speed(const std::string& file) {
  for (const std::string& line : ask("speed " + quoted(file))) {
    ScikitSpeed speed;
    if (std::sscanf(line.c_str(), "%lf %lf %lf", &speed.fit_ms, &speed.row_us,
                    &speed.row_alone_us) == 3) {
      return speed;
    }
  }
  return std::nullopt;
}

}  // namespace tidelimit::bench
