#pragma once

#include <fstream>
#include <gmock/gmock.h>
#include <iterator>
#include <memory>
#include <sqlite3.h>
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

/// A permanent block.
inline engine::OverrideRecord override_of(const std::string& target) {
  return {.target = target,
          .action = limiter::Action::block,
          .limit = {},
          .reason = "r",
          .by = "oncall",
          .made_at = kStart,
          .until = {}};
}

class HistoryTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::shared_ptr<SqliteHistory> open(engine::Retention retention = {},
                                                    std::size_t most_records = 1000) const {
    auto opened = SqliteHistory::open(file_, retention, most_records);
    if (!opened) throw std::runtime_error(opened.error().message);
    return *opened;
  }

  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "state.db";
};

/// What others do to the file, past the history.
class FileTest : public HistoryTest {
 protected:
  [[nodiscard]] std::string bytes() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& content) const { std::ofstream(file_, std::ios::binary) << content; }
  /// Another SQLite program at the same file.
  void script(const char* sql) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
};

}  // namespace tidelimit::store
