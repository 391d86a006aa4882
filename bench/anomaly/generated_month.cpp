#include "generated_month.hpp"

#include <fstream>

#include "ingest/synthetic/rates.hpp"
#include "ingest/synthetic/rows.hpp"
#include "ingest/synthetic/synthetic.hpp"

namespace tidelimit::bench {

Kinds write_month(const TemporaryFolder& folder, const MonthOptions& month) {
  synthetic::SyntheticOptions options;
  options.days = month.days;
  options.seed = month.seed;
  options.rates = true;
  auto traffic = synthetic::SyntheticTraffic::create(options);
  const WallTime split = options.start + month.trained;
  synthetic::RowWriter rows(synthetic::RowFormat::csv);
  std::ofstream train(folder.file("train.csv")), rest(folder.file("rest.csv"));
  std::ofstream labels(folder.file("labels.csv")), rates(folder.file("rates.csv"));
  train << rows.header();
  rest << rows.header();
  labels << synthetic::kLabelsHeader;
  rates << synthetic::rates_header();

  Kinds kinds;
  std::string text;
  const auto write = [&](const traffic::Request& request) {
    text.clear();
    rows.append(request, text);
    (request.time < split ? train : rest) << text;
  };
  const auto write_poison_before = [&](WallTime time) {
    traffic::Request poison;
    while (month.poison != nullptr && month.poison->next(time, poison)) write(poison);
  };
  traffic::Request request;
  while (traffic->next(request)) {
    text.clear();
    for (const auto& label : traffic->take_labels()) {
      kinds[label.client.id] = label.kind;
      append_csv(label, text);
    }
    labels << text;
    text.clear();
    for (const auto& row : traffic->take_rates()) append_csv(row, text);
    rates << text;
    const synthetic::ClientKind kind = kinds[request.client];
    const bool dropped =
        is_malicious(kind) && month.keeps && !month.keeps(kind, request.time < split);
    write_poison_before(request.time);
    if (!dropped) write(request);
  }
  write_poison_before(traffic->end());
  if (month.poison != nullptr) {
    for (const std::string& address : month.poison->addresses()) labels << address << ",1,poison\n";
  }
  return kinds;
}

Result<cli::Input> input_of(const std::string& file) {
  cli::InputOptions options;
  options.inputs = {file};
  return cli::Input::find(options, cli::Passes::several);
}

}  // namespace tidelimit::bench
