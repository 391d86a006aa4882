#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/command.hpp"
#include "cli/end_signals.hpp"
#include "cli/input.hpp"
#include "cli/progress_bar.hpp"
#include "ingest/synthetic/rows.hpp"
#include "ingest/synthetic/synthetic.hpp"
#include "store/files/file.hpp"
#include "store/files/output_file.hpp"

namespace tidelimit::cli {
namespace {

using store::OutputFile;
namespace synthetic = tidelimit::synthetic;

constexpr std::uint64_t kPiece = 16'384;  // requests between two looks at labels, rates and the bar

struct GenerateOptions {
  std::string output;
  std::string labels;
  std::string rates;
  std::string start;
  std::string format = "csv";
  synthetic::SyntheticOptions traffic;
};

/// A file that may not be wanted.
class Optional {
 public:
  [[nodiscard]] Result<void> open(const std::string& path, std::string_view header) {
    if (path.empty()) return {};
    auto file = OutputFile::create(path);
    if (!file) return tl::unexpected(file.error());
    file_ = *std::move(file);
    return file_->write(header);
  }
  [[nodiscard]] bool wanted() const { return file_.has_value(); }
  [[nodiscard]] Result<void> write(std::string_view bytes) { return file_->write(bytes); }
  [[nodiscard]] Result<void> commit() { return file_ ? file_->commit() : Result<void>{}; }

 private:
  std::optional<OutputFile> file_;
};

/// All that one run writes.
class Outputs {
 public:
  explicit Outputs(synthetic::RowFormat format) : rows_(format) {}

  [[nodiscard]] Result<void> open(const GenerateOptions& options) {
    auto opened = requests_.open(options.output, rows_.header());
    if (opened) opened = labels_.open(options.labels, synthetic::kLabelsHeader);
    if (opened) opened = rates_.open(options.rates, synthetic::rates_header());
    return opened;
  }

  void add(const traffic::Request& request) { rows_.append(request, text_); }

  /// Writes what was added and what the traffic tells beside it.
  [[nodiscard]] Result<void> drain(synthetic::SyntheticTraffic& traffic) {
    auto written = requests_.write(text_);
    text_.clear();
    if (written) written = drain_labels(traffic.take_labels());
    if (written && rates_.wanted()) written = drain_rates(traffic.take_rates());
    return written;
  }

  [[nodiscard]] Result<void> commit() {
    auto done = requests_.commit();
    if (done) done = labels_.commit();
    if (done) done = rates_.commit();
    return done;
  }

  std::uint64_t clients = 0;
  std::uint64_t malicious = 0;
  synthetic::FloorTally floors;

 private:
  Result<void> drain_labels(const synthetic::ClientLabels& fresh) {
    std::string lines;
    for (const auto& label : fresh) {
      ++clients;
      malicious += synthetic::is_malicious(label.kind) ? 1 : 0;
      if (labels_.wanted()) synthetic::append_csv(label, lines);
    }
    return labels_.wanted() ? labels_.write(lines) : Result<void>{};
  }

  Result<void> drain_rates(const std::vector<synthetic::RateRow>& rows) {
    std::string lines;
    for (const auto& row : rows) {
      synthetic::append_csv(row, lines);
      floors.add(row);
    }
    return rates_.write(lines);
  }

  synthetic::RowWriter rows_;
  std::string text_;
  Optional requests_;
  Optional labels_;
  Optional rates_;
};

/// Whether one file would take the place of the other, by whatever names.
bool same_place(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty() || a == "-" || b == "-") return !a.empty() && a == b;
  const auto place = [](const std::string& name) {
    std::error_code unknown;
    return std::filesystem::weakly_canonical(std::filesystem::absolute(name, unknown), unknown);
  };
  return place(a) == place(b);
}

Result<GenerateOptions> checked(GenerateOptions options) {
  if (!options.start.empty()) {
    const auto start = parse_time(options.start);
    if (!start) return fail_in("--start", start.error());
    options.traffic.start = *start;
  }
  options.traffic.rates = !options.rates.empty();
  for (const auto& [one, other] : {std::pair(&options.output, &options.labels),
                                   {&options.output, &options.rates},
                                   {&options.labels, &options.rates}}) {
    if (same_place(*one, *other))
      return fail(Code::invalid_argument, *other + " is named for two different outputs");
  }
  return options;
}

std::string summary(const Outputs& outputs, std::uint64_t requests) {
  std::string text = fmt::format("{} requests of {} clients, {} of them malicious\n", requests,
                                 outputs.clients, outputs.malicious);
  const auto floors = outputs.floors.floors();
  if (floors.empty()) return text;
  text += "mean absolute error of the next hour's forecast that nobody can beat:\n";
  text += fmt::format("  {:<10} {:>10} {:>12} {:>12}\n", "endpoint", "mean", "noise known",
                      "past known");
  const auto row = [&](const synthetic::Floor& floor) {
    text += fmt::format("  {:<10} {:>10.1f} {:>12.2f} {:>12.2f}\n", floor.endpoint, floor.mean,
                        floor.oracle_mae, floor.causal_mae);
  };
  for (const auto& floor : floors) row(floor);
  row(synthetic::average(floors));
  return text;
}

Result<std::string> generate(const GenerateOptions& asked) {
  const auto options = checked(asked);
  if (!options) return tl::unexpected(options.error());
  auto traffic = synthetic::SyntheticTraffic::create(options->traffic);
  if (!traffic) return tl::unexpected(traffic.error());
  Outputs outputs(synthetic::parse_row_format(options->format).value_or(synthetic::RowFormat::csv));
  const EndSignals signals([&options] {
    for (const std::string* file : {&options->output, &options->labels, &options->rates})
      if (!file->empty()) store::remove_asides_of(*file);
  });
  if (auto opened = outputs.open(*options); !opened) return tl::unexpected(opened.error());

  ProgressBar bar("generating");
  std::uint64_t requests = 0;
  traffic::Request request;
  while (traffic->next(request)) {
    outputs.add(request);
    if (++requests % kPiece != 0) continue;
    if (auto drained = outputs.drain(*traffic); !drained) return tl::unexpected(drained.error());
    bar.show(traffic->progress(), bar.visible() ? fmt::format("{} requests", requests) : "");
  }
  auto done = outputs.drain(*traffic);
  if (done) done = outputs.commit();
  if (!done) return tl::unexpected(done.error());
  return summary(outputs, requests);
}

int run(const GenerateOptions& options) {
  const auto told = generate(options);
  if (!told) return exit_with("generate", told.error());
  std::cerr << *told;
  return kDone;
}

}  // namespace

void add_generate(Command app, int& status) {
  auto options = std::make_shared<GenerateOptions>();
  const auto command = app.add_subcommand(
      "generate", "Synthetic traffic of a web shop: customers, odd good clients and attackers");
  command
      .add_option("-o,--output", options->output,
                  "Where the requests go; .gz and .zst are compressed, - is standard output")
      .required()
      .type_name("FILE");
  command.add_option("--days", options->traffic.days, "How long it lasts").capture_default_str();
  command.add_option("--seed", options->traffic.seed, "Equal seeds give equal bytes")
      .capture_default_str();
  command.add_option("--start", options->start,
                     "First moment (RFC 3339 or Unix seconds, on a quarter of an hour) "
                     "[2026-01-05T00:00:00Z]");
  command
      .add_option(
          "--scale", options->traffic.scale,
          "Multiplies requests and people; 1 is about 950 requests an hour, attackers apart")
      .capture_default_str();
  command.add_option("--attackers", options->traffic.attackers, "Their share of the clients, about")
      .capture_default_str();
  command.add_option("--format", options->format, "csv, combined or json")
      .among({"csv", "combined", "json"})
      .capture_default_str();
  command
      .add_option("--labels", options->labels,
                  "Writes who is malicious: client_ip,label,kind, one line a client")
      .type_name("FILE");
  command
      .add_option("--rates", options->rates,
                  "Writes the true rates of each window, and the forecasts that nobody can beat")
      .type_name("FILE");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
