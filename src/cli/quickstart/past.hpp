#pragma once

#include <filesystem>
#include <unordered_set>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "cli/quickstart/scenario.hpp"
#include "config/config.hpp"
#include "ingest/synthetic/synthetic.hpp"
#include "traffic/window.hpp"

namespace tidelimit::cli::quickstart {

/// The files of the demonstration, all in one folder.
struct Files {
  explicit Files(const std::filesystem::path& folder)
      : folder(folder),
        config(folder / "tidelimit.yaml"),
        train(folder / "train.csv.zst"),
        recent(folder / "recent.csv.zst"),
        labels(folder / "labels.csv"),
        model(folder / "model"),
        lock(folder / "tidelimit.db.lock") {}

  std::filesystem::path folder, config, train, recent, labels, model;
  std::filesystem::path lock;  ///< of the configuration's state, as SqliteHistory names it
};

/// What came before the curtain rises.
struct Past {
  synthetic::SyntheticTraffic traffic;                   ///< stands at the beginning of the play
  traffic::WindowGrid windows;                           ///< whole windows
  std::unordered_set<ClientId, ClientIdHash> malicious;  ///< that have appeared
  std::uint64_t requests = 0;
};

/// Makes the shop's past: writes `train`, `recent` (what follows the training) and `labels`, and
/// adds up the windows that a gate would have seen. Errors name the file.
[[nodiscard]] Result<Past> make_past(const Scenario& scenario, const Files& files,
                                     const config::Config& config);

/// Gives a gate that has never run the windows of its past, in a new state file. Nobody holds the
/// old one.
[[nodiscard]] Result<void> remember(const traffic::WindowGrid& windows,
                                    const config::Config& config);

}  // namespace tidelimit::cli::quickstart
