#pragma once

#include <cstdio>
#include <string>

#include "base/error.hpp"
#include "cli/command_line.hpp"

namespace tidelimit::cli {

/// Exit statuses of every command.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

void print(const std::string& text, std::FILE* where = stdout);

/// Says on standard error why `command` ("replay") did not get done; the status to exit with.
/// kUsage for what was wrongly asked for: wrong words, a bad configuration, something named that is
/// not there, is in the way or may not be touched; kFailed for what went wrong on the way.
[[nodiscard]] int exit_with(const std::string& command, const Error& error);

// One file per subcommand (src/cli/NAME.cpp); each adds itself to the app and, when chosen, sets
// `status`.
void add_quickstart(Command app, int& status);
void add_generate(Command app, int& status);
void add_inspect(Command app, int& status);
void add_suggest(Command app, int& status);
void add_train(Command app, int& status);
void add_models(Command app, int& status);
void add_evaluate(Command app, int& status);
void add_replay(Command app, int& status);
void add_serve(Command app, int& status);
void add_import_config(Command app, int& status);
void add_check_config(Command app, int& status);
void add_explain(Command app, int& status);
void add_why(Command app, int& status);
void add_unblock(Command app, int& status);
void add_shadow_report(Command app, int& status);
void add_mode(Command app, int& status);
void add_configs(Command app, int& status);

}  // namespace tidelimit::cli
