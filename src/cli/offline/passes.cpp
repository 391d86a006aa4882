#include "cli/offline/passes.hpp"

#include <fmt/format.h>

#include "cli/reading_progress.hpp"
#include "engine/routes.hpp"
#include "ingest/windows_reader.hpp"
#include "traffic/window_builder.hpp"

namespace tidelimit::cli {

Result<ingest::ReadReport> survey_inputs(const Input& input, Survey& survey,
                                         anomaly::FeatureSampler* sampler) {
  ReadingProgress progress(input, "reading");
  auto reader = progress.open();
  if (!reader) return tl::unexpected<Error>(reader.error());
  traffic::Request request;
  while (reader->next(request)) {
    survey.add(request);
    if (sampler != nullptr) sampler->add(request);
    progress.count();
  }
  if (reader->failure()) return tl::unexpected<Error>(*reader->failure());
  return reader->report();
}

Result<TrafficHistory> read_history(const Input& input, const config::Config& config,
                                    std::shared_ptr<const anomaly::Detector> detector,
                                    const HistoryOptions& options) {
  ReadingProgress progress(input, options.title);
  auto reader = progress.open();
  if (!reader) return tl::unexpected<Error>(reader.error());
  const auto& policy = config.engine.policy;
  ClientTrial trial(std::move(detector), policy, options.keep_outcomes);
  const engine::Routes routes(policy, {}, 0);
  traffic::WindowBuilder windows(options.window, routes.endpoints());
  const bool tiers_differ = policy.tiers.size() > 1;
  const auto take_back = [&] {
    for (const ClientId& client : trial.raised()) windows.take_back(client);
  };
  std::string buffer;
  traffic::Request request;
  while (reader->next(request)) {
    if (trial.add(request)) take_back();
    const engine::Identity identity = routes.identify(request, buffer);
    windows.add(request, limiter::index(identity.endpoint),
                tiers_differ && limiter::index(identity.tier) == 0,
                trial.malicious(request.client));
    progress.count();
  }
  if (reader->failure()) return tl::unexpected<Error>(*reader->failure());
  if (trial.finish()) take_back();
  auto grid = windows.grid();
  if (!grid) return tl::unexpected<Error>(grid.error());
  return TrafficHistory{*std::move(grid), trial.outcomes(), windows.malicious_requests(),
                        trial.verdicts(), reader->report()};
}

Result<traffic::WindowGrid> ready_windows(ingest::RecordReader& reader, Nanos window) {
  auto windows = ingest::read_windows(reader, window);
  if (!windows) return tl::unexpected<Error>(windows.error());
  if (windows->coarser) {
    const auto step = format_duration(windows->grid.step);
    return fail(Code::failed_precondition,
                fmt::format("the rows are {} apart, so they can't be made into windows of {}; "
                            "say --window {}",
                            step, format_duration(window), step));
  }
  return std::move(windows->grid);
}

}  // namespace tidelimit::cli
