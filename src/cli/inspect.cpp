#include "cli/inspect.hpp"

#include <cstdio>
#include <memory>

#include "cli/command.hpp"
#include "cli/input.hpp"

namespace tidelimit::cli {
namespace {

struct InspectOptions {
  InputOptions input;
  bool json = false;
  std::size_t top = 10;
};

/// The table holds its notes; an object is read by programs, and people see this.
void say_problems(const ingest::ReadReport& report, const InspectOptions& options) {
  if (!options.json) return;
  for (const std::string& problem : report.problems) print("warning: " + problem + "\n", stderr);
}

int inspect_windows(ingest::RecordReader& reader, const InspectOptions& options) {
  // The smallest step there is: rows stay as they are.
  const auto windows = ingest::read_windows(reader, Nanos{1});
  if (!windows) return exit_with("inspect", windows.error());
  const auto& report = reader.report();
  say_problems(report, options);
  if (options.json) print(gap_note(windows->grid), stderr);
  print(options.json ? inspect_json(report, *windows) : inspect_text(report, *windows), stdout);
  return kDone;
}

int inspect(const InspectOptions& options) {
  const auto input = Input::find(options.input, Passes::one, Order::does_not_matter);
  if (!input) return exit_with("inspect", input.error());
  auto reader = input->open();
  if (!reader) return exit_with("inspect", reader.error());
  if (reader->is_windows()) return inspect_windows(*reader, options);

  auto summary = std::make_unique<ingest::Summary>();
  traffic::Request request;
  while (reader->next(request)) summary->add(request);
  if (reader->failure()) return exit_with("inspect", *reader->failure());
  const auto& report = reader->report();
  say_problems(report, options);
  print(options.json ? inspect_json(report, *summary, options.top)
                     : inspect_text(report, *summary, options.top),
        stdout);
  return kDone;
}

}  // namespace

void add_inspect(Command app, int& status) {
  auto options = std::make_shared<InspectOptions>();
  const auto command = app.add_subcommand(
      "inspect", "What is in these logs: format, unreadable lines and why, times, paths, clients");
  add_input_options(command, options->input, Takes::windows_too);
  command.add_flag("--json", options->json, "Print one JSON object");
  command.add_option("--top", options->top, "Rows of each list of paths, clients and agents")
      .between(0, 1000)
      .capture_default_str();
  command.callback([options, &status] { status = inspect(*options); });
}

}  // namespace tidelimit::cli
