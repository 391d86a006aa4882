#include "cli/offline/client_score.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <vector>

#include "base/text.hpp"
#include "ingest/csv_row.hpp"

namespace tidelimit::cli {
namespace {

using limiter::VerdictKind;

std::optional<double> ratio(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

struct Ranked {
  double rank = 0;
  bool malicious = false;
};

/// Area under the ROC curve and average precision over clients ranked by score; equal ranks count
/// as one step.
void rank_figures(std::vector<Ranked> ranked, ClientScore& score) {
  std::sort(ranked.begin(), ranked.end(),
            [](const Ranked& a, const Ranked& b) { return a.rank > b.rank; });
  const auto bad = static_cast<double>(
      std::count_if(ranked.begin(), ranked.end(), [](const Ranked& r) { return r.malicious; }));
  const double good = static_cast<double>(ranked.size()) - bad;
  if (bad == 0) return;
  double hits = 0;
  double alarms = 0;
  double area = 0;
  double precision_sum = 0;
  for (std::size_t i = 0; i < ranked.size();) {
    double new_hits = 0;
    double new_alarms = 0;
    for (const double rank = ranked[i].rank; i < ranked.size() && ranked[i].rank == rank; ++i) {
      (ranked[i].malicious ? new_hits : new_alarms) += 1;
    }
    area += new_alarms * (hits + new_hits / 2);
    hits += new_hits;
    alarms += new_alarms;
    precision_sum += new_hits * hits / (hits + alarms);
  }
  if (good > 0) score.auroc = area / (bad * good);
  score.average_precision = precision_sum / bad;
}

void count_kinds(const ClientOutcomes& outcomes, const Labels& labels, ClientScore& score) {
  std::map<std::string, KindScore> kinds;
  for (const auto& [client, outcome] : outcomes) {
    const auto named = labels.kinds.find(client);
    if (named == labels.kinds.end()) continue;
    KindScore& kind = kinds[named->second];
    kind.kind = named->second;
    kind.malicious = labels.malicious.contains(client);
    ++kind.clients;
    kind.flagged += outcome.worst != VerdictKind::normal ? 1 : 0;
  }
  for (auto& [name, kind] : kinds) score.kinds.push_back(kind);
}

}  // namespace

std::optional<double> Retrieval::precision() const {
  return ratio(hits, flagged);
}
std::optional<double> Retrieval::recall() const {
  return ratio(hits, wanted);
}
std::optional<double> Retrieval::f1() const {
  return ratio(2 * hits, flagged + wanted);
}

Result<Labels> read_labels(const std::string& file) {
  std::ifstream in(file);
  if (!in) return fail(Code::not_found, file + ": the labels can't be read");
  std::string line;
  if (!std::getline(in, line)) return fail(Code::invalid_argument, file + ": is empty");
  ingest::CsvRow row;
  const auto& fields = row.split(trim(line));
  const auto column = [&](std::string_view name) {
    return static_cast<std::size_t>(
        std::find_if(fields.begin(), fields.end(),
                     [&](std::string_view field) { return trim(field) == name; }) -
        fields.begin());
  };
  const std::size_t client = column("client_ip");
  const std::size_t label = column("label");
  const std::size_t kind = column("kind");
  if (std::max(client, label) == fields.size()) {
    return fail(Code::invalid_argument,
                file + ":1: labels have a header with client_ip and label, and this has \"" +
                    printable(line, 80) + "\"");
  }
  Labels labels;
  std::unordered_map<ClientId, std::uint64_t, ClientIdHash> lines;
  for (std::uint64_t number = 2; std::getline(in, line); ++number) {
    if (trim(line).empty()) continue;
    row.split(trim(line));
    const auto value = fields.size() > std::max(client, label) ? trim(fields[label]) : "";
    if (value != "0" && value != "1") {
      return fail(Code::invalid_argument,
                  fmt::format("{}:{}: a label is 1 (malicious) or 0, and this line is \"{}\"", file,
                              number, printable(line, 80)));
    }
    const ClientId id = client_of(trim(fields[client]));
    const bool malicious = value == "1";
    const auto line_before = lines.try_emplace(id, number).first->second;
    if ((malicious ? labels.good : labels.malicious).contains(id)) {
      return fail(
          Code::invalid_argument,
          fmt::format("{}:{}: client {} is labelled {}, and {} in line {}; leave one of "
                      "the two out",
                      file, number, format_client(id), value, malicious ? 0 : 1, line_before));
    }
    (malicious ? labels.malicious : labels.good).insert(id);
    if (kind < fields.size()) labels.kinds.emplace(id, trim(fields[kind]));
  }
  return labels;
}

ClientScore score_clients(const ClientOutcomes& outcomes, const Labels* labels) {
  ClientScore score;
  score.clients = outcomes.size();
  score.labelled = labels != nullptr && !labels->empty();
  std::vector<Ranked> ranked;
  ranked.reserve(outcomes.size());
  for (const auto& [client, outcome] : outcomes) {
    const bool bad = labels != nullptr && labels->malicious.contains(client);
    const auto count = [&](Retrieval& retrieval, bool flagged) {
      retrieval.flagged += flagged ? 1 : 0;
      retrieval.hits += flagged && bad ? 1 : 0;
      retrieval.wanted += bad ? 1 : 0;
    };
    count(score.any, outcome.worst != VerdictKind::normal);
    count(score.malicious_only, outcome.worst == VerdictKind::malicious);
    ranked.push_back({outcome.rank, bad});
  }
  score.flagged = score.any.flagged;
  if (!score.labelled) return score;
  score.labels_fit = std::any_of(outcomes.begin(), outcomes.end(), [&](const auto& seen) {
    return labels->known_malicious(seen.first).has_value();
  });
  rank_figures(std::move(ranked), score);
  count_kinds(outcomes, *labels, score);
  return score;
}

}  // namespace tidelimit::cli
