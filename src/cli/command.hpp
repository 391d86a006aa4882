#pragma once

#include <CLI/CLI.hpp>

namespace tidelimit::cli {

/// Exit statuses of every command.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

// One file per subcommand (src/cli/NAME.cpp); each adds itself to the app and, when chosen, sets
// `status`.
void add_quickstart(CLI::App& app, int& status);
void add_generate(CLI::App& app, int& status);
void add_inspect(CLI::App& app, int& status);
void add_suggest(CLI::App& app, int& status);
void add_train(CLI::App& app, int& status);
void add_models(CLI::App& app, int& status);
void add_evaluate(CLI::App& app, int& status);
void add_replay(CLI::App& app, int& status);
void add_serve(CLI::App& app, int& status);
void add_import_config(CLI::App& app, int& status);
void add_check_config(CLI::App& app, int& status);
void add_explain(CLI::App& app, int& status);
void add_why(CLI::App& app, int& status);
void add_unblock(CLI::App& app, int& status);
void add_shadow_report(CLI::App& app, int& status);
void add_mode(CLI::App& app, int& status);
void add_configs(CLI::App& app, int& status);

}  // namespace tidelimit::cli
