#include <iostream>
#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/drawn_file.hpp"
#include "cli/input.hpp"
#include "cli/offline/evaluation.hpp"
#include "store/files/file.hpp"

namespace tidelimit::cli {
namespace {

struct EvaluateOptions {
  InputOptions input;
  EvaluationOptions evaluation;
  std::string report;
  bool json = false;
};

int run(const EvaluateOptions& options) {
  const auto input = Input::find(options.input, Passes::several);
  if (!input) return exit_with("evaluate", input.error());
  const EvaluationOptions& read = options.evaluation;
  if (auto free = require_report_place(
          options.report, *input,
          {{"--config", read.config}, {"--labels", read.labels}, {"--rates", read.rates}});
      !free) {
    return exit_with("evaluate", free.error());
  }
  const auto evaluation = evaluate_bundle(*input, options.evaluation);
  if (!evaluation) return exit_with("evaluate", evaluation.error());
  std::cerr << reading_notes(evaluation->reading) << order_note(evaluation->reading);
  for (const std::string& note : evaluation->forecast.notes) std::cerr << "note: " << note << '\n';
  if (options.json && evaluation->forecast.endpoints.empty()) {
    std::cerr << "forecast: " << evaluation->forecast.note << '\n';
  }
  if (evaluation->clients && !read.labels.empty() && !evaluation->clients->labelled) {
    std::cerr << "tidelimit evaluate: " << read.labels
              << " names no client, so nobody knows how many of those flagged are malicious\n";
  }
  if (evaluation->clients && !evaluation->clients->labels_fit) {
    std::cerr << "tidelimit evaluate: none of the clients that " << read.labels
              << " names is in the input, so all count as good\n";
  }
  if (!options.report.empty()) {
    const auto written = store::write_file(options.report, evaluation_html(*evaluation));
    if (!written) return exit_with("evaluate", written.error());
  }
  std::cout << (options.json ? evaluation_json(*evaluation) : evaluation_text(*evaluation));
  std::cout.flush();
  if (!options.report.empty()) std::cerr << "report: " << options.report << '\n';
  return kDone;
}

}  // namespace

void add_evaluate(Command app, int& status) {
  auto options = std::make_shared<EvaluateOptions>();
  const auto command = app.add_subcommand(
      "evaluate", "How accurate a bundle's models are on traffic that came after their training");
  add_input_options(command, options->input, Takes::windows_too);
  auto& evaluation = options->evaluation;
  command.add_option("--model", evaluation.model, "The bundle to evaluate")
      .required()
      .type_name("BUNDLE");
  command
      .add_option("--config", evaluation.config,
                  "Endpoints, tiers and rules; absent: those of the bundle")
      .type_name("FILE");
  command
      .add_option("--labels", evaluation.labels,
                  "Who is malicious: client_ip,label with label 1 or 0")
      .type_name("FILE");
  command
      .add_option("--rates", evaluation.rates,
                  "True rates of `generate --rates`: shows the errors nobody can beat")
      .type_name("FILE");
  evaluation.shape.add_to(command);
  command.add_option("--report", options->report, "Writes one HTML page").type_name("FILE");
  command.add_flag("--json", options->json, "Print one JSON object");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
