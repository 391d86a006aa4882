#include "impact/live/live_trial.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/quickstart/past.hpp"
#include "impact/live/callers.hpp"
#include "impact/past.hpp"
#include "serve/http/client.hpp"
#include "store/bundles/bundle_folder.hpp"
#include "temporary_folder.hpp"

namespace tidelimit::impact {
namespace {

namespace fs = std::filesystem;
using Clock = Callers::Clock;
using nlohmann::json;

constexpr Nanos kLead = std::chrono::seconds{3};  // for the gate to get ready
constexpr auto kLookEvery = std::chrono::milliseconds{200};
constexpr std::chrono::milliseconds kPatience{2000};
// One arm's processes and callers take some 7 % of a core: what limits them is that workers sleep.
constexpr std::size_t kSideBySide = 3;
constexpr std::uint64_t kPastSeed = 7;
constexpr int kEpochs = 2;  // the weekly spike is the linear members' to know
// Customers are numbered by their seat and by how often it has changed hands: see Traffic.
constexpr std::uint64_t kCustomers = 2200;

constexpr std::size_t kSecondsOfTime = std::string_view("2026-11-24T18:00:00").size();

std::string words(const json& value) {
  return value.is_string() ? value.get<std::string>() : "";
}

double number(const json& value) {
  return value.is_number() ? value.get<double>() : 0;
}

/// Looks at a gate's plan while calls are made.
class Watch {
 public:
  Watch(std::uint16_t port, Clock::time_point begin)
      : session_({.host = "127.0.0.1", .port = std::to_string(port), .prefix = ""}, kPatience),
        begin_(begin),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// Ends it, and books what was seen.
  void end(Outcome& outcome, Ledger& ledger) {
    thread_.request_stop();
    thread_.join();
    for (const auto& [at, seen] : seen_) {
      Bin& bin = ledger.bin_at(at);
      bin.per_minute = seen.per_minute;
      bin.limit = seen.total;
      bin.shed = std::max(bin.shed, seen.shed);
    }
    outcome.plan_changes = std::move(changes_);
  }

 private:
  struct Seen {
    double per_minute = 0, total = 0, shed = 0;
  };

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(kLookEvery);
      if (Clock::now() >= begin_) look();
    }
  }

  void look() {
    const auto answer = session_.call("GET", "/v1/plan", "");
    if (!answer || answer->status != 200) return;
    const json plan = json::parse(answer->body, nullptr, false);
    if (plan.is_discarded()) return;
    Seen seen;
    for (const json& limit : plan["limits"]) {
      if (limit["endpoint"] != "browse" || limit["tier"] != "STD") continue;
      seen.per_minute = number(limit["effective_per_minute"]);
      seen.total = number(limit["total_per_minute"]) / 60;
      seen.shed = number(limit["shed_ratio"]);
    }
    seen_.emplace_back(kLiveSpan.from + (Clock::now() - begin_) * kLive.pace, seen);
    changes_.clear();
    for (const json& change : plan["changes"]) {
      const std::string rule = words(change["rule"]);
      changes_.push_back(
          fmt::format("{} {}/{}: {:.0f} -> {:.0f} a minute ({}{})",
                      words(change["time"]).substr(0, kSecondsOfTime), words(change["endpoint"]),
                      words(change["tier"]), number(change["before_per_minute"]),
                      number(change["after_per_minute"]), rule.empty() ? "back at base" : rule,
                      rule.empty() ? "" : ": " + words(change["cause"])));
    }
  }

  serve::HttpSession session_;
  Clock::time_point begin_;
  std::vector<std::pair<Nanos, Seen>> seen_;
  std::vector<std::string> changes_;
  std::jthread thread_;
};

/// A state file that knows the weeks before, and the window in which the play begins.
Result<void> write_history(const fs::path& file, std::uint64_t seed) {
  config::Config config;
  config.state = file;
  const Nanos window = std::chrono::minutes{15};
  const Nanos begin = kLiveSpan.from - kLead * kLive.pace;
  return cli::quickstart::remember(windows_until((begin / window + 1) * window, seed, kLive.pace),
                                   config);
}

Equipment equipment_in(const fs::path& folder) {
  const fs::path self = fs::read_symlink("/proc/self/exe");
  return {.tidelimit = self.parent_path().parent_path() / "tidelimit",
          .self = self,
          .deploy = fs::path(TIDELIMIT_SOURCE_DIR) / "deploy/nginx",
          .bundle = folder / "model",
          .history = {},
          .users = kCustomers};
}

}  // namespace

Outcome play_live(Arm arm, std::uint64_t seed, const Equipment& equipment, const fs::path& folder) {
  const auto begin = Clock::now() + kLead;
  const Gateway gateway(arm, equipment, folder, kLiveSpan.from, kLead);
  Ledger ledger(kLiveSpan, kLive.flood);
  Traffic traffic(kLiveSpan, seed, true, kLive);
  std::optional<Watch> watch;
  if (gateway.gate_port() != 0) watch.emplace(gateway.gate_port(), begin);
  Callers callers(gateway.port());
  const auto result = callers.play(traffic, kLiveSpan.from, kLive.pace, begin, ledger);
  Outcome& outcome = ledger.outcome();
  if (watch) watch->end(outcome, ledger);
  const auto note = [&](bool odd, const std::string& words) {
    if (odd) outcome.troubles.push_back(fmt::format("{}, seed {}: {}", name_of(arm), seed, words));
  };
  constexpr double kMuchBehindMs = 20;
  note(result.failed > 0, fmt::format("{} calls got no answer", result.failed));
  note(result.behind_ms_p99 > kMuchBehindMs,
       fmt::format("one call in a hundred was sent {:.0f} ms late or more", result.behind_ms_p99));
  const std::size_t silences = gateway.gate_silences();
  note(silences > 0, fmt::format("nginx waited in vain for the gate {} times", silences));
  return std::move(outcome);
}

Result<std::vector<std::array<Outcome, kArms>>> play_all_live(
    std::uint64_t first_seed, std::size_t seeds,
    const std::function<void(std::uint64_t seed, Arm arm)>& progress) {
  const bench::TemporaryFolder folder;
  const Equipment common = equipment_in(folder.path());
  const auto models = train(forecast::Preset::best, kPastSeed, kEpochs, kLive.pace);
  if (!models) return tl::unexpected(models.error());
  if (auto written = store::write_bundle(common.bundle, **models); !written)
    return tl::unexpected(written.error());

  std::vector<std::array<Outcome, kArms>> outcomes(seeds);
  std::vector<Equipment> equipment(seeds, common);
  for (std::size_t i = 0; i < seeds; ++i) {
    equipment[i].history = folder.path() / fmt::format("history-{}.db", i);
    if (auto kept = write_history(equipment[i].history, first_seed + i); !kept)
      return tl::unexpected(kept.error());
  }
  for (std::size_t first = 0; first < kLiveArms.size(); first += kSideBySide) {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < seeds; ++i) {
      for (std::size_t a = first; a < std::min(first + kSideBySide, kLiveArms.size()); ++a) {
        threads.emplace_back([&, i, arm = kLiveArms[a]] {
          progress(first_seed + i, arm);
          const fs::path place = folder.path() / fmt::format("{}-{}", i, static_cast<int>(arm));
          fs::create_directories(place);
          outcomes[i][static_cast<std::size_t>(arm)] =
              play_live(arm, first_seed + i, equipment[i], place);
        });
      }
    }
  }
  return outcomes;
}

}  // namespace tidelimit::impact
