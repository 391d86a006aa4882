#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "traffic/request.hpp"
#include "traffic/window.hpp"

namespace tidelimit::traffic {

/// Windows out of a log, offline. What malicious clients ask is counted apart, and, since a verdict
/// needs evidence first, a client's last hour before it is taken back out of the demand: otherwise
/// the first minutes of every attack would be taught as traffic, or asked of a forecast.
/// Requests may come in any order. Memory: the windows, and one entry for each client, window and
/// endpoint of the last hour. One thread.
class WindowBuilder {
 public:
  /// How far back `take_back` reaches.
  static constexpr Nanos kMemory = std::chrono::hours{1};
  /// Windows times endpoints of one grid, at most; more is a sign of a wrong year in some line.
  static constexpr std::size_t kCellsMost = 20'000'000;
  /// Runs of empty windows in which so many requests were to be expected are gaps, not quiet,
  /// unless the log falls silent again and again, for that long or nearly.
  static constexpr double kExpectedInGap = 200;

  WindowBuilder(Nanos step, std::vector<std::string> endpoints);

  /// Counts one that limits meet, as the windows of a gate do. `premium`: of the most important
  /// tier. `malicious`: the client is known to be.
  void add(const Request& request, std::size_t endpoint, bool premium, bool malicious);

  /// The client turned out malicious: what it asked within kMemory counts apart, too.
  void take_back(const ClientId& client);

  [[nodiscard]] std::uint64_t malicious_requests() const { return malicious_; }

  /// All whole windows: at either end one that the log does not fill is left out. Fails when the
  /// requests span more time than kCellsMost allows.
  [[nodiscard]] Result<WindowGrid> grid() const;

 private:
  using Index = std::int64_t;  ///< windows since the Unix epoch
  using Row = std::vector<WindowStats>;
  struct Part {
    Index window = 0;
    std::uint32_t endpoint = 0;
    WindowStats counts;
  };

  Row& row(Index window);
  void remember(const ClientId& client, Index window, std::size_t endpoint,
                const WindowStats& counts);
  void forget_old(Index window);

  Nanos step_;
  std::vector<std::string> endpoints_;
  std::map<Index, Row> rows_;
  Index row_index_ = 0;
  Row* row_ = nullptr;  ///< rows_[row_index_]: most requests share it
  std::unordered_map<ClientId, std::vector<Part>, ClientIdHash> recent_;
  Index swept_ = 0;
  WallTime first_ = WallTime::max();
  WallTime last_ = WallTime::min();
  std::uint64_t malicious_ = 0;
};

}  // namespace tidelimit::traffic
