#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/drawn_file.hpp"
#include "cli/import/translation.hpp"
#include "cli/input.hpp"
#include "store/files/file.hpp"

namespace tidelimit::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  std::vector<std::string> words;
  std::string output;
  bool force = false;
};

Result<Translation> read(const Options& options) {
  KeyWords words;
  for (const std::string& word : options.words)
    if (auto named = words.name(word); !named) return tl::unexpected(named.error());
  auto files = config::load_descriptors({options.files.begin(), options.files.end()});
  if (!files) return tl::unexpected(files.error());
  return translate(std::move(*files), words);
}

/// The text for standard output; empty where it went to a file.
Result<std::string> import(const Options& options, std::string& remarks) {
  const bool to_file = !options.output.empty() && options.output != "-";
  const Result<std::string> place =
      to_file ? place_to_draw(options.output) : Result<std::string>(options.output);
  if (!place) return tl::unexpected(place.error());
  if (to_file && !options.force)
    if (auto free = require_unedited(options.output, kTranslationMark, "import-config"); !free)
      return tl::unexpected(free.error());
  const auto translation = read(options);
  if (!translation) return tl::unexpected(translation.error());
  const std::string yaml = sealed(translation_yaml(*translation));
  const std::string file = to_file ? options.output : "tidelimit.yaml";
  if (auto valid = require_valid(yaml, file); !valid) return tl::unexpected(valid.error());
  remarks = remarks_text(*translation);
  if (!to_file) return yaml;
  if (auto written = store::write_file(*place, yaml); !written)
    return tl::unexpected(written.error());
  return std::string();
}

int run(const Options& options) {
  std::string remarks;
  const auto yaml = import(options, remarks);
  if (!yaml) return exit_with("import-config", yaml.error());
  std::cerr << remarks;
  std::cout << *yaml;
  return kDone;
}

}  // namespace

void add_import_config(Command app, int& status) {
  auto options = std::make_shared<Options>();
  const auto command =
      app.add_subcommand("import-config",
                         "Turns envoyproxy/ratelimit YAML into a configuration, and "
                         "names what has no equivalent");
  command.add_option("FILE", options->files, "Files of envoyproxy/ratelimit, a domain in each")
      .required();
  command
      .add_option("-o,--output", options->output, "The configuration to write; else it is printed")
      .type_name("FILE.yaml");
  command
      .add_option("--word", options->words,
                  "Which descriptor key says what of a request: path, method, user_id, tier, "
                  "remote_address, masked_remote_address or user_agent")
      .type_name("WORD=KEY");
  command.add_flag("--force", options->force, "Replace the file whatever it is");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
