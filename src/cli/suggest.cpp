#include <cmath>
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/drawn_file.hpp"
#include "cli/suggest/proposal.hpp"
#include "store/files/file.hpp"

namespace tidelimit::cli {
namespace {

struct Options {
  InputOptions input;
  SuggestOptions how;
  double share_percent = 99.9;
  std::string output;
  bool force = false;
  bool json = false;
};

bool is_printed(const Options& options) {
  return options.output == "-";
}

Result<void> check_output(const Options& options) {
  if (is_printed(options) && options.json)
    return fail(Code::invalid_argument,
                "-o - and --json print two things to one place; name a file with -o");
  if (is_printed(options)) return {};
  if (const auto place = place_to_draw(options.output); !place)
    return tl::unexpected(place.error());
  if (options.force) return {};
  return require_unedited(options.output, kProposalMark, "suggest");
}

/// What goes to standard output and, for people, to standard error.
struct Told {
  std::string output;
  std::string words;
};

Result<Told> suggest(const Options& options) {
  if (auto free = check_output(options); !free) return tl::unexpected(free.error());
  const auto input = Input::find(options.input, Passes::several);
  if (!input) return tl::unexpected(input.error());
  SuggestOptions how = options.how;
  how.share = std::round(options.share_percent * 1e4) / 1e6;
  const auto proposal = propose(*input, how);
  if (!proposal) return tl::unexpected(proposal.error());
  const std::string yaml = sealed(proposal_yaml(*proposal));
  const std::string file = is_printed(options) ? "tidelimit.yaml" : options.output;
  if (auto valid = require_valid(yaml, file); !valid) return tl::unexpected(valid.error());
  if (is_printed(options)) return Told{yaml, proposal_text(*proposal, file)};
  const auto place = place_to_draw(file);
  if (!place) return tl::unexpected(place.error());
  if (auto written = store::write_file(*place, yaml); !written)
    return tl::unexpected(written.error());
  return Told{options.json ? proposal_json(*proposal) : proposal_text(*proposal, file), {}};
}

int run(const Options& options) {
  const auto told = suggest(options);
  if (!told) return exit_with("suggest", told.error());
  std::cerr << told->words;
  std::cout << told->output;
  return kDone;
}

}  // namespace

void add_suggest(Command app, int& status) {
  auto options = std::make_shared<Options>();
  const auto command = app.add_subcommand(
      "suggest", "Draws a configuration from your own logs: endpoints, priorities and base limits");
  add_input_options(command, options->input, Takes::requests);
  command.add_option("-o,--output", options->output, "The configuration to write; - prints it")
      .required()
      .type_name("FILE.yaml");
  command
      .add_option("--share", options->share_percent,
                  "Percent of the well-behaved principals that would never meet their limit")
      .between(50.0, 99.9999)
      .capture_default_str();
  command
      .add_option("--headroom", options->how.headroom,
                  "So many times what that share needed: tomorrow is not yesterday")
      .between(1.0, 100.0)
      .capture_default_str();
  command.add_option("--seed", options->how.seed, "Of the detector of odd clients")
      .capture_default_str();
  command.add_flag("--force", options->force, "Replace the file whatever it is");
  command.add_flag("--json", options->json, "Print one JSON object instead of a table");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
