#include "serve/metrics/render.hpp"

#include "serve/metrics/families.hpp"

namespace tidelimit::serve {
namespace {

void add_kept_buckets(Families& families, const KeptBuckets& kept) {
  families.gauge("tidelimit_buckets_restore_successful",
                 "1 if this gate goes on with the buckets of the one before it, or there was none; "
                 "0 if what was kept of them could not be used.");
  families.add({}, kept.restored_well ? 1 : 0);
  families.gauge("tidelimit_buckets_restored",
                 "Buckets taken over at the start from the gate before.");
  families.add({}, static_cast<double>(kept.restored));
  families.gauge("tidelimit_buckets_saved", "Buckets in the last save for the next gate.");
  families.add({}, static_cast<double>(kept.saved));
  families.gauge("tidelimit_buckets_last_save_success_timestamp_seconds",
                 "When buckets were last saved, or found to be as saved; 0: not yet.");
  families.add({}, static_cast<double>(kept.saved_at));
}

}  // namespace

MetricsInput metrics_of(const engine::Engine& engine, const Now& now) {
  MetricsInput input;
  input.now = now;
  input.counters = engine.counters();
  input.status = engine.status();
  input.tables = engine.table_use(now.mono);
  input.modes = engine.modes();
  input.parts = engine.part_modes();
  return input;
}

std::string render(const MetricsInput& input) {
  Families families;
  families.gauge("tidelimit_build_info", "Always 1; the version of this program.");
  families.add({{"version", TIDELIMIT_VERSION}}, 1);
  add_traffic(families, input);
  add_wire(families, input);
  add_control(families, input);
  if (input.kept_buckets) add_kept_buckets(families, *input.kept_buckets);
  families.counter("tidelimit_retrainings_total",
                   "Forecasts trained anew on stored windows: taken into force, kept out because "
                   "the running one was no worse, or failed.");
  for (const auto& [result, count] : input.retrainings)
    families.add({{"result", result}}, static_cast<double>(count));
  families.gauge("tidelimit_config_last_reload_successful",
                 "1 if the configuration was accepted when it was last read, else 0 and the one "
                 "before is in force.");
  families.add({}, input.reload_successful ? 1 : 0);
  families.gauge("tidelimit_config_last_reload_success_timestamp_seconds",
                 "When a configuration was last accepted, in Unix seconds.");
  families.add({}, static_cast<double>(input.reload_success_unix_seconds));
  families.gauge("tidelimit_cluster_degraded",
                 "1 while shared state is out of reach and this node goes by its own; a single "
                 "node shares nothing.");
  families.add({}, 0);
  return families.text();
}

}  // namespace tidelimit::serve
