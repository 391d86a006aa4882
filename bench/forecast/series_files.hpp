#pragma once

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

#include "ingest/record_reader.hpp"
#include "ingest/windows_reader.hpp"

namespace tidelimit::bench {

/// A real series on its own grid.
struct NamedSeries {
  std::string name;
  traffic::WindowGrid grid;
};

/// All series of a folder, by name; what can't be read is named on standard error and left out.
inline std::vector<NamedSeries> read_series(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().ends_with(".csv.gz")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<NamedSeries> all;
  for (const auto& path : paths) {
    const ingest::Source source{
        path.filename().string(), [path]() -> Result<std::unique_ptr<ingest::ByteStream>> {
          const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
          if (descriptor < 0) return fail(Code::not_found, path.string() + ": can't be opened");
          return ingest::decompressed(ingest::descriptor_stream(descriptor, true));
        }};
    auto reader = ingest::RecordReader::open({source}, {});
    if (!reader || !reader->is_windows()) {
      std::fprintf(stderr, "%s: no series\n", path.c_str());
      continue;
    }
    auto windows = ingest::read_windows(*reader, std::chrono::minutes{15});
    if (!windows) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(), windows.error().message.c_str());
      continue;
    }
    const std::string file = path.filename().string();
    all.push_back({file.substr(0, file.size() - 7), std::move(windows->grid)});
  }
  return all;
}

}  // namespace tidelimit::bench
