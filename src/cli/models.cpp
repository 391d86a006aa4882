#include "cli/models.hpp"

#include <fmt/format.h>
#include <utility>

#include "store/bundles/bundle_folder.hpp"

namespace tidelimit::cli {
namespace {

/// A bundle that the configuration names; null with a warning where there is none yet.
Result<std::shared_ptr<const model::Bundle>> named(const std::filesystem::path& folder,
                                                   Models& models) {
  if (folder.empty()) return std::shared_ptr<const model::Bundle>{};
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) {
    models.warnings.push_back(fmt::format(
        "{}: no model there yet; going on without (tidelimit train makes one)", folder.string()));
    return std::shared_ptr<const model::Bundle>{};
  }
  auto bundle = store::read_bundle(folder);
  if (!bundle) return tl::unexpected<Error>(bundle.error());
  return std::make_shared<const model::Bundle>(*std::move(bundle));
}

}  // namespace

Result<Models> models_for(const config::Config& config, const std::string& folder) {
  Models models;
  if (!folder.empty()) {
    auto bundle = store::read_bundle(folder);
    if (!bundle) return tl::unexpected<Error>(bundle.error());
    models.bundle = std::make_shared<const model::Bundle>(*std::move(bundle));
    return models;
  }
  auto forecast = named(config.forecast_model, models);
  if (!forecast) return tl::unexpected<Error>(forecast.error());
  if (config.anomaly_model == config.forecast_model) {
    models.bundle = *std::move(forecast);
    return models;
  }
  auto anomaly = named(config.anomaly_model, models);
  if (!anomaly) return tl::unexpected<Error>(anomaly.error());
  if (!*forecast && !*anomaly) return models;
  model::Bundle merged = *forecast ? **forecast : **anomaly;
  merged.forecast = *forecast ? (*forecast)->forecast : nullptr;
  merged.anomaly = *anomaly ? (*anomaly)->anomaly : nullptr;
  models.bundle = std::make_shared<const model::Bundle>(std::move(merged));
  return models;
}

Result<void> check_shape(const model::Bundle& bundle, const forecast::Shape& shape,
                         const std::string& folder) {
  if (!bundle.forecast || bundle.manifest.shape == shape) return {};
  const auto options = [](const forecast::Shape& s) {
    return fmt::format("--window {} --history {} --horizon {}", format_duration(s.window),
                       format_duration(s.history), format_duration(s.horizon));
  };
  return fail(Code::invalid_argument,
              fmt::format("{}: its forecast was trained with {}, which is not what is asked for, "
                          "{}; say the former, or train a bundle with the latter",
                          folder, options(bundle.manifest.shape), options(shape)));
}

}  // namespace tidelimit::cli
