#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace {

using namespace tidelimit::cli;

/// In the order in which people meet them.
void add_commands(CLI::App& app, int& status) {
  add_quickstart(app, status);
  add_generate(app, status);
  add_inspect(app, status);
  add_train(app, status);
  add_evaluate(app, status);
  add_replay(app, status);
  add_explain(app, status);
  add_check_config(app, status);
  add_serve(app, status);
  add_why(app, status);
  add_unblock(app, status);
  add_mode(app, status);
}

int run(int argc, char** argv) {
  CLI::App app{"tidelimit: may this request pass now? Rate limits that move ahead of traffic."};
  app.name("tidelimit");
  app.set_version_flag("--version", "tidelimit " TIDELIMIT_VERSION);
  app.set_help_flag("-h,--help", "Explains this command");
  app.require_subcommand(1);
  app.footer("Exit status: 0 done, 1 failed, 2 wrong usage or configuration.");
  int status = kDone;
  add_commands(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tidelimit: " << error.what() << '\n';
    return kFailed;
  }
}
