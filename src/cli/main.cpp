#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"

namespace {

using namespace tidelimit::cli;

/// In the order in which people meet them.
void add_commands(Command app, int& status) {
  add_quickstart(app, status);
  add_generate(app, status);
  add_inspect(app, status);
  add_suggest(app, status);
  add_train(app, status);
  add_models(app, status);
  add_evaluate(app, status);
  add_replay(app, status);
  add_explain(app, status);
  add_import_config(app, status);
  add_check_config(app, status);
  add_serve(app, status);
  add_why(app, status);
  add_unblock(app, status);
  add_shadow_report(app, status);
  add_mode(app, status);
  add_configs(app, status);
}

/// The first word where it is no command, said with the one that may have been meant.
std::string unknown_command(const CommandLine& line, int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (word.empty() || word.front() == '-') return "";
  const std::vector<std::string> names = line.commands();
  if (std::find(names.begin(), names.end(), word) != names.end()) return "";
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string_view near = tidelimit::closest_word(word, known);
  return "no such command: " + tidelimit::printable(word, 40) +
         (near.empty() ? "" : " (did you mean " + std::string(near) + "?)") +
         "; tidelimit --help lists them";
}

int run(int argc, char** argv) {
  const CommandLine line("tidelimit",
                         "tidelimit: may this request pass now? Rate limits that move ahead of "
                         "traffic.",
                         "tidelimit " TIDELIMIT_VERSION,
                         "Exit status: 0 done, 1 failed, 2 wrong usage or configuration.");
  int status = kDone;
  add_commands(line.root(), status);
  if (const std::string problem = unknown_command(line, argc, argv); !problem.empty()) {
    std::cerr << "tidelimit: " << problem << '\n';
    return kUsage;
  }
  return line.parse(argc, argv) ? status : kUsage;
}

/// A script must not take half an answer for a whole one.
int with_output_written(int status) {
  std::cout.flush();
  const bool written = std::cout && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (written || status != kDone) return status;
  std::cerr << "tidelimit: the output can't be written: is the disk full?\n";
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return with_output_written(run(argc, argv));
  } catch (const std::bad_alloc&) {
    std::cerr << "tidelimit: there is not so much memory; where a configuration says how much it "
                 "takes, lower memory.buckets, memory.clients or memory.leases\n";
    return kFailed;
  } catch (const std::exception& error) {
    std::cerr << "tidelimit: " << error.what() << '\n';
    return kFailed;
  }
}
