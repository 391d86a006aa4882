#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "model/bundle.hpp"

namespace tidelimit::cli {

/// The models that a command runs with.
struct Models {
  std::shared_ptr<const model::Bundle> bundle;  ///< null: none
  std::vector<std::string> warnings;            ///< for standard error

  [[nodiscard]] std::string version() const { return bundle ? bundle->manifest.version : ""; }
};

/// The bundle at `folder`; where that is empty, those that the configuration names, each left out
/// with a warning if there is nothing yet. A bundle that is damaged or foreign is an error.
[[nodiscard]] Result<Models> models_for(const config::Config& config, const std::string& folder);

}  // namespace tidelimit::cli
