#include "cli/quickstart/past.hpp"

#include "base/hash.hpp"
#include "cli/progress_bar.hpp"
#include "engine/routes.hpp"
#include "ingest/synthetic/rows.hpp"
#include "store/files/output_file.hpp"
#include "store/history/sqlite_history.hpp"
#include "traffic/window_builder.hpp"

namespace tidelimit::cli::quickstart {
namespace {

constexpr std::uint64_t kPiece = 16'384;  // requests between two writes

/// A compressed csv file that grows row by row.
class Rows {
 public:
  [[nodiscard]] static Result<Rows> create(const std::filesystem::path& path) {
    auto file = store::OutputFile::create(path);
    if (!file) return tl::unexpected(file.error());
    return Rows(std::move(*file));
  }
  void add(const traffic::Request& request) { writer_.append(request, text_); }
  [[nodiscard]] Result<void> flush() {
    auto written = file_.write(text_);
    text_.clear();
    return written;
  }
  [[nodiscard]] Result<void> commit() {
    if (auto written = flush(); !written) return written;
    return file_.commit();
  }

 private:
  explicit Rows(store::OutputFile file) : file_(std::move(file)), text_(writer_.header()) {}
  store::OutputFile file_;
  synthetic::RowWriter writer_{synthetic::RowFormat::csv};
  std::string text_;
};

/// Who is malicious, as the traffic itself says when a client first appears.
class Labels {
 public:
  void take(const synthetic::ClientLabels& fresh) {
    for (const auto& label : fresh) {
      synthetic::append_csv(label, text_);
      if (is_malicious(label.kind)) malicious_.insert(label.client.id);
    }
  }
  [[nodiscard]] bool malicious(const ClientId& client) const {
    return malicious_.count(client) > 0;
  }
  [[nodiscard]] std::unordered_set<ClientId, ClientIdHash> take_malicious() {
    return std::move(malicious_);
  }
  [[nodiscard]] Result<void> write(const std::filesystem::path& path) const {
    auto file = store::OutputFile::create(path);
    if (!file) return tl::unexpected(file.error());
    if (auto written = file->write(synthetic::kLabelsHeader + text_); !written) return written;
    return file->commit();
  }

 private:
  std::unordered_set<ClientId, ClientIdHash> malicious_;
  std::string text_;
};

}  // namespace

Result<Past> make_past(const Scenario& scenario, const Files& files, const config::Config& config) {
  auto traffic = synthetic::SyntheticTraffic::create(scenario.traffic());
  if (!traffic) return tl::unexpected(traffic.error());
  auto train = Rows::create(files.train);
  if (!train) return tl::unexpected(train.error());
  auto recent = Rows::create(files.recent);
  if (!recent) return tl::unexpected(recent.error());

  const policy::PolicySettings& policy = config.engine.policy;
  const engine::Routes routes(policy, {}, 0);
  traffic::WindowBuilder windows(config.engine.shape.window, routes.endpoints());
  Labels labels;
  ProgressBar bar("making traffic");
  std::string path;
  std::uint64_t requests = 0;
  traffic::Request request;
  while (traffic->next(request)) {
    request.time += scenario.shift();
    if (request.time >= scenario.begin()) break;
    labels.take(traffic->take_labels());
    Rows& rows = request.time < scenario.trained_until() ? *train : *recent;
    rows.add(request);
    windows.add(request, limiter::index(routes.identify(request, path).endpoint),
                request.tier == policy.tiers.front(), labels.malicious(request.client));
    if (++requests % kPiece != 0) continue;
    if (auto written = rows.flush(); !written) return tl::unexpected(written.error());
    bar.show(traffic->progress());
  }
  for (Rows* rows : {&*train, &*recent}) {
    if (auto done = rows->commit(); !done) return tl::unexpected(done.error());
  }
  if (auto done = labels.write(files.labels); !done) return tl::unexpected(done.error());
  auto grid = windows.grid();
  if (!grid) return tl::unexpected(grid.error());
  return Past{std::move(*traffic), std::move(*grid), labels.take_malicious(), requests};
}

Result<void> remember(const traffic::WindowGrid& windows, const config::Config& config) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code ignored;
    std::filesystem::remove(config.state.string() + suffix, ignored);
  }
  auto history = store::SqliteHistory::open(config.state, config.retention);
  if (!history) return tl::unexpected(history.error());
  std::vector<traffic::WindowStats> column(windows.endpoints.size());
  for (std::size_t i = 0; i < windows.size(); ++i) {
    for (std::size_t e = 0; e < column.size(); ++e) column[e] = windows.stats[e][i];
    auto kept =
        (*history)->put_windows(windows.time_of(i), windows.step, windows.endpoints, column);
    if (!kept) return kept;
  }
  return {};
}

}  // namespace tidelimit::cli::quickstart
