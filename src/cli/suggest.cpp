#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/suggest/proposal.hpp"
#include "config/config.hpp"
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

constexpr std::size_t kLargestConfig = 1 << 20;

/// What nobody wrote by hand may be written over: nothing, an empty file, an earlier suggestion.
Result<void> require_replaceable(const std::string& file) {
  if (!std::filesystem::exists(file)) return {};
  const auto there = store::read_file(file, kLargestConfig);
  if (there && (there->empty() || there->starts_with(kProposalMark))) return {};
  return fail(Code::invalid_argument,
              fmt::format("{}: is there already and was not drawn by suggest; choose another name, "
                          "or --force to replace it",
                          file));
}

/// What was written must be what `serve` reads.
Result<void> require_valid(const std::string& yaml, const std::string& file) {
  const auto parsed = config::parse(yaml, file);
  if (parsed) return {};
  return fail(Code::internal,
              fmt::format("line {} of the configuration drawn is not valid: {}",
                          parsed.error().front().line, parsed.error().front().message));
}

Result<std::string> suggest(const Options& options) {
  if (!options.force)
    if (auto free = require_replaceable(options.output); !free)
      return tl::unexpected<Error>(free.error());
  const auto input = Input::find(options.input, Passes::several);
  if (!input) return tl::unexpected<Error>(input.error());
  SuggestOptions how = options.how;
  how.share = std::round(options.share_percent * 1e4) / 1e6;
  const auto proposal = propose(*input, how);
  if (!proposal) return tl::unexpected<Error>(proposal.error());
  const std::string yaml = proposal_yaml(*proposal);
  if (auto valid = require_valid(yaml, options.output); !valid)
    return tl::unexpected<Error>(valid.error());
  if (auto written = store::write_file(options.output, yaml); !written)
    return tl::unexpected<Error>(written.error());
  return options.json ? proposal_json(*proposal) : proposal_text(*proposal, options.output);
}

int run(const Options& options) {
  const auto told = suggest(options);
  if (!told) {
    std::cerr << "tidelimit suggest: " << told.error().message << '\n';
    return exit_status(told.error());
  }
  std::cout << *told;
  return kDone;
}

}  // namespace

void add_suggest(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "suggest", "Draws a configuration from your own logs: endpoints, priorities and base limits");
  add_input_options(*command, options->input);
  command->add_option("-o,--output", options->output, "The configuration to write")
      ->required()
      ->type_name("FILE.yaml");
  command
      ->add_option("--share", options->share_percent,
                   "Percent of the well-behaved principals that would never meet their limit")
      ->check(CLI::Range(50.0, 99.9999))
      ->capture_default_str();
  command
      ->add_option("--headroom", options->how.headroom,
                   "So many times what that share needed: tomorrow is not yesterday")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
  command->add_option("--seed", options->how.seed, "Of the detector of odd clients")
      ->capture_default_str();
  command->add_flag("--force", options->force, "Replace the file whatever it is");
  command->add_flag("--json", options->json, "Print one JSON object instead of a table");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
