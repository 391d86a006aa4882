#pragma once

#include <gmock/gmock.h>
#include <memory>
#include <string>
#include <vector>

#include "store/history/sqlite_history.hpp"
#include "store/temporary_folder.hpp"

namespace tidelimit::store {

using namespace std::chrono_literals;

inline const WallTime kStart = parse_time("2026-11-24T10:00:00Z").value();
inline constexpr Nanos kStep = 15min;

inline traffic::WindowStats stats(double requests) {
  return {.requests = requests,
          .premium = requests / 4,
          .errors = 3,
          .responses = requests - 1,
          .latency_ms_sum = 12.5 * requests,
          .malicious = 7,
          .late = 2,
          .observed = true};
}

/// One window that is open, of which nothing was missed.
inline traffic::OpenWindows open_window(WallTime start, const std::vector<std::string>& endpoints,
                                        const std::vector<traffic::WindowStats>& stats) {
  traffic::OpenWindows open{start, {start, kStep, endpoints, {}}, {}};
  for (const auto& one : stats) {
    open.so_far.stats.push_back({one});
    open.missed.push_back({Nanos{0}});
  }
  return open;
}

class HistoryTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::shared_ptr<SqliteHistory> open(engine::Retention retention = {},
                                                    std::size_t most_decisions = 1000) const {
    auto opened = SqliteHistory::open(file_, retention, most_decisions);
    if (!opened) throw std::runtime_error(opened.error().message);
    return *opened;
  }

  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "state.db";
};

}  // namespace tidelimit::store
