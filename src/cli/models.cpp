#include "cli/models.hpp"

#include <fmt/format.h>

namespace tidelimit::cli {

namespace {

/// What was named: where it is damaged it is wrong input.
template <class Models>
Result<Models> as_input(Result<Models> read) {
  if (read || read.error().code != Code::data_loss) return read;
  return fail(Code::invalid_argument, read.error().message);
}

}  // namespace

Result<model::Bundle> named_bundle(const std::string& folder) {
  return as_input(store::read_bundle(folder));
}

Result<store::Models> models_for(const config::Config& config, const std::string& folder) {
  if (folder.empty())
    return as_input(store::read_models(config.forecast_model, config.anomaly_model));
  auto bundle = named_bundle(folder);
  if (!bundle) return tl::unexpected(bundle.error());
  return store::Models{std::make_shared<const model::Bundle>(*std::move(bundle)), {}};
}

std::string misfit_in_words(const model::Bundle& bundle, const forecast::Shape& shape) {
  if (!bundle.forecast || bundle.manifest.shape == shape) return {};
  const auto options = [](const forecast::Shape& s) {
    return fmt::format("--window {} --history {} --horizon {}", format_duration(s.window),
                       format_duration(s.history), format_duration(s.horizon));
  };
  return fmt::format("its forecast was trained with {}, which is not what is asked for, {}",
                     options(bundle.manifest.shape), options(shape));
}

Result<void> check_shape(const model::Bundle& bundle, const forecast::Shape& shape,
                         const std::string& folder) {
  const auto misfit = misfit_in_words(bundle, shape);
  if (misfit.empty()) return {};
  return fail(
      Code::invalid_argument,
      fmt::format("{}: {}; say the former, or train a bundle with the latter", folder, misfit));
}

}  // namespace tidelimit::cli
