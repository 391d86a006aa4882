#include "store/history/tables.hpp"

namespace tidelimit::store {

using forecast::Source;

static_assert(forecast::kQuantiles.size() == 5, "the columns q05 to q95 are these five");

Result<void> put_forecast(Database& db, const forecast::EndpointForecast& forecast) {
  const auto& q = forecast.quantiles;
  return db.execute(
      "INSERT OR REPLACE INTO forecasts (made_at, endpoint, horizon, q05, q10, q50, q90, q95, "
      "naive, usual, source, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      forecast.made_at, std::string_view(forecast.endpoint), std::int64_t{forecast.horizon.count()},
      q[0], q[1], q[2], q[3], q[4], forecast.naive, forecast.usual,
      std::string_view(forecast::to_string(forecast.source)), std::string_view(forecast.note));
}

Result<std::vector<forecast::EndpointForecast>> find_forecasts(Database& db,
                                                               const engine::ForecastQuery& query) {
  std::vector<forecast::EndpointForecast> found;
  auto rows = db.query(
      "SELECT made_at, endpoint, horizon, q05, q10, q50, q90, q95, naive, usual, source, note "
      "FROM (SELECT * FROM forecasts WHERE made_at >= ?1 AND made_at < ?2 "
      "AND (?3 = '' OR endpoint = ?3) ORDER BY made_at DESC, endpoint DESC LIMIT ?4) "
      "ORDER BY made_at, endpoint",
      query.since, query.until, std::string_view(query.endpoint),
      static_cast<std::int64_t>(query.most));
  while (true) {
    const auto more = rows.step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return found;
    forecast::EndpointForecast forecast;
    forecast.made_at = rows.time(0);
    forecast.endpoint = rows.text(1);
    forecast.horizon = Nanos{rows.integer(2)};
    for (std::size_t q = 0; q < forecast.quantiles.size(); ++q) {
      forecast.quantiles[q] = rows.real(3 + static_cast<int>(q));
    }
    forecast.naive = rows.real(8);
    if (!rows.is_null(9)) forecast.usual = rows.real(9);
    forecast.source = enum_of(rows.text(10), {Source::none, Source::last_value, Source::seasonal,
                                              Source::lstm, Source::yesterday, Source::week_ago});
    forecast.note = rows.text(11);
    found.push_back(std::move(forecast));
  }
}

Result<void> prune_forecasts(Database& db, WallTime before, std::size_t most) {
  return db.execute(
      "DELETE FROM forecasts WHERE (made_at, endpoint) IN "
      "(SELECT made_at, endpoint FROM forecasts WHERE made_at < ? ORDER BY made_at LIMIT ?)",
      before, static_cast<std::int64_t>(most));
}

}  // namespace tidelimit::store
