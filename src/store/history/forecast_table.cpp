#include "store/history/tables.hpp"

namespace tidelimit::store {

using forecast::Source;

static_assert(forecast::kQuantiles.size() == 5, "the columns q05 to q95 are these five");

namespace {

forecast::EndpointForecast forecast_of(const Query& row) {
  forecast::EndpointForecast forecast;
  forecast.made_at = row.time(0);
  forecast.endpoint = row.text(1);
  forecast.horizon = Nanos{row.integer(2)};
  for (std::size_t q = 0; q < forecast.quantiles.size(); ++q) {
    forecast.quantiles[q] = row.real(3 + static_cast<int>(q));
  }
  forecast.naive = row.real(8);
  if (!row.is_null(9)) forecast.usual = row.real(9);
  forecast.source =
      enum_of(row.text(10), {Source::none, Source::last_value, Source::seasonal, Source::lstm,
                             Source::yesterday, Source::week_ago, Source::typical});
  forecast.note = row.text(11);
  return forecast;
}

}  // namespace

Result<void> put_forecast(Database& db, const forecast::EndpointForecast& forecast) {
  const auto& q = forecast.quantiles;
  return db.execute(
      "INSERT OR REPLACE INTO forecasts (made_at, endpoint, horizon, q05, q10, q50, q90, q95, "
      "naive, usual, source, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      forecast.made_at, forecast.endpoint, forecast.horizon, q[0], q[1], q[2], q[3], q[4],
      forecast.naive, forecast.usual, forecast::to_string(forecast.source), forecast.note);
}

Result<std::vector<forecast::EndpointForecast>> find_forecasts(Database& db,
                                                               const engine::ForecastQuery& query) {
  return collect(
      db.query(
          "SELECT made_at, endpoint, horizon, q05, q10, q50, q90, q95, naive, usual, source, note "
          "FROM (SELECT * FROM forecasts WHERE made_at >= ?1 AND made_at < ?2 "
          "AND (?3 = '' OR endpoint = ?3) ORDER BY made_at DESC, endpoint DESC LIMIT ?4) "
          "ORDER BY made_at, endpoint",
          query.since, query.until, query.endpoint, query.most),
      forecast_of);
}

Result<void> prune_forecasts(Database& db, WallTime before, std::size_t most) {
  return db.execute(
      "DELETE FROM forecasts WHERE (made_at, endpoint) IN "
      "(SELECT made_at, endpoint FROM forecasts WHERE made_at < ? ORDER BY made_at LIMIT ?)",
      before, most);
}

}  // namespace tidelimit::store
