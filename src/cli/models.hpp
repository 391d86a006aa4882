#pragma once

#include <string>

#include "base/error.hpp"
#include "config/config.hpp"
#include "store/bundles/bundle_folder.hpp"

namespace tidelimit::cli {

/// The bundle of a folder that was named on the command line.
[[nodiscard]] Result<model::Bundle> named_bundle(const std::string& folder);

/// The bundle at `folder`; where that is empty, those that the configuration names, each left out
/// with a warning if there is nothing yet. A bundle that is damaged or foreign is an error.
[[nodiscard]] Result<store::Models> models_for(const config::Config& config,
                                               const std::string& folder);

/// How windows that the bundle's forecast was trained for differ from those asked for; empty: they
/// don't, or it has no forecast.
[[nodiscard]] std::string misfit_in_words(const model::Bundle& bundle,
                                          const forecast::Shape& shape);

/// That the bundle's forecast, if it has one, was trained for these windows; the error says what it
/// was trained for. `folder`: the bundle's name for people.
[[nodiscard]] Result<void> check_shape(const model::Bundle& bundle, const forecast::Shape& shape,
                                       const std::string& folder);

}  // namespace tidelimit::cli
