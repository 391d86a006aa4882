#include <csignal>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <spdlog/spdlog.h>
#include <string>
#include <unistd.h>

#include "cli/command.hpp"
#include "cli/drawn_file.hpp"
#include "cli/end_signals.hpp"
#include "cli/gate_start.hpp"
#include "cli/live_gate.hpp"
#include "cli/quickstart/demo_clients.hpp"
#include "cli/quickstart/demo_shop.hpp"
#include "cli/quickstart/folder.hpp"
#include "cli/quickstart/past.hpp"
#include "cli/quickstart/scenario.hpp"
#include "cli/quickstart/watcher.hpp"
#include "serve/net/socket.hpp"
#include "store/files/file.hpp"

namespace tidelimit::cli {
namespace {

using namespace quickstart;

constexpr auto kPatience = std::chrono::seconds{5};
constexpr auto kWholePlay = std::chrono::seconds{60};  // all that is to be seen comes by then

struct QuickstartOptions {
  std::string folder = "var/quickstart";
  std::string length;  ///< empty: until a signal
  std::uint16_t port = 8080;
  std::uint64_t seed = 1;
};

void headline(std::string_view words) {
  std::cout << "\n== " << words << '\n' << std::flush;
}

/// Runs one of this program's own commands, and shows it as a person would type it.
int run_command(const std::vector<std::string>& words) {
  std::cout << "$ tidelimit";
  for (const std::string& word : words) std::cout << ' ' << word;
  std::cout << '\n' << std::flush;
  const CommandLine line;
  int status = kDone;
  add_train(line.root(), status);
  add_evaluate(line.root(), status);
  return line.parse(words) ? status : kUsage;
}

/// Said before the training, which takes minutes.
Result<void> require_port(std::uint16_t port) {
  const auto is_free = serve::require_free_port({"127.0.0.1", port});
  if (is_free) return {};
  return fail(is_free.error().code,
              fmt::format("{}; name another port with --port N (0: any free)",
                          is_free.error().code == Code::failed_precondition
                              ? fmt::format("port {} is in use by another process", port)
                              : is_free.error().message));
}

/// In the folder that is held.
Result<config::Config> begin_anew(const QuickstartOptions& options, const Files& files) {
  remove_half_written(files);
  if (auto written = store::write_file(files.config, sealed(configuration(options.port))); !written)
    return tl::unexpected(written.error());
  return config::load(files.config);
}

int train_and_evaluate(const Files& files) {
  headline("Training both models on the first 23 days");
  const int trained = run_command({"train", files.train.string(), "--config", files.config.string(),
                                   "-o", files.model.string()});
  if (trained != kDone) return trained;
  headline("How good they are on the days that followed, which they have not seen");
  return run_command({"evaluate", files.train.string(), files.recent.string(), "--config",
                      files.config.string(), "--model", files.model.string(), "--labels",
                      files.labels.string()});
}

void say_where_to_look(const serve::Service& service, const Files& files,
                       const config::Config& config) {
  const std::string url = "http://" + format_host_port(service.listening().http);
  // Of any free port the configuration says 0.
  const std::string where = config.listen.http.port == 0 ? " --url " + url : "";
  std::cout << fmt::format(R"HELP(
  status page   {0}/
  limits        curl -s {0}/v1/plan
  forecasts     curl -s {0}/v1/forecasts
  metrics       curl -s {0}/metrics
  verdicts      curl -s -H "Authorization: Bearer $(cut -d: -f2 {1})" {0}/v1/verdicts
  why denied    tidelimit why --user ana --config {2}{3}

)HELP",
                           url, (files.folder / "admin.token").string(), files.config.string(),
                           where)
            << std::flush;
}

/// Plays until the time is over or a signal comes: that signal, or 0.
int play(serve::Service& service, Watcher& watcher, const EndSignals& signals,
         std::optional<Nanos> length) {
  using std::chrono::steady_clock;
  const auto begin = steady_clock::now();
  constexpr std::chrono::milliseconds kNap{200};
  while (!length || steady_clock::now() - begin < *length) {
    if (const int signal = signals.take(kNap); signal != 0) return signal;
    watcher.look();
    service.watch();
  }
  return 0;
}

/// What all was seen, in words; false where something was not.
bool conclude(const Watcher& watcher, const DemoClients& clients) {
  headline("What was asked and what came of it");
  std::cout << fmt::format("  {:<28}{:>9}{:>9}{:>9}  {}\n", "", "asked", "served", "denied", "by");
  for (const auto& [who, account] : clients.accounts()) {
    std::string reasons;
    std::uint64_t denied = 0;
    for (const auto& [reason, count] : account.denied) {
      reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", reason, count);
      denied += count;
    }
    std::cout << fmt::format("  {:<28}{:>9}{:>9}{:>9}  {}\n", who, account.asked, account.served,
                             denied, reasons);
  }
  headline("What was to be seen");
  for (const Sight& sight : watcher.sights())
    std::cout << fmt::format("  {:<10}{} ({})\n", sight.seen ? "seen" : "NOT SEEN", sight.what,
                             sight.how);
  if (const auto trouble = clients.trouble())
    std::cout << "  trouble on the wire: " << *trouble << '\n';
  std::cout << std::flush;
  return watcher.all_seen() && !clients.trouble();
}

/// How the play ended.
struct Ending {
  bool seen = false;  ///< all that was to be seen
  int signal = 0;     ///< that ended it; 0: its time was over
};

/// The gate, the shop and the clients, live.
Result<Ending> perform(const Scenario& scenario, Past past, const Files& files,
                       const config::Config& config, EndSignals& signals,
                       std::optional<Nanos> length) {
  if (auto is_free = require_port(config.listen.http.port); !is_free)
    return tl::unexpected(is_free.error());
  if (auto kept = remember(past.windows, config); !kept) return tl::unexpected(kept.error());
  auto history = open_history(config);
  if (!history) return tl::unexpected(history.error());
  auto shop = DemoShop::start();
  if (!shop) return tl::unexpected(shop.error());
  const serve::Clock clock(scenario.begin(), kSpeed);
  auto engine = make_engine(config, std::move(*history), clock);
  auto service = serve::Service::start(config, engine, clock, {});
  if (!service) return tl::unexpected(service.error());
  signals.begin_serving();
  announce(**service);
  say_where_to_look(**service, files, config);

  DemoClients clients(scenario, std::move(past),
                      {(*service)->listening().http.port, (*shop)->port()}, clock);
  Watcher watcher(*engine, clients, scenario);
  clients.start();
  const auto begin = std::chrono::steady_clock::now();
  Ending ending{.signal = play(**service, watcher, signals, length)};
  clients.stop();
  watcher.look();
  // One that was cut short did not fail to show what was still to come.
  if (ending.signal == 0 || watcher.all_seen() ||
      std::chrono::steady_clock::now() - begin >= kWholePlay)
    ending.seen = conclude(watcher, clients);
  else
    std::cout << "\nended by a signal before all was to be seen\n";
  if (!(*service)->stop(kPatience)) {
    spdlog::error("something hung; leaving without it");
    _exit(kFailed);
  }
  std::cout << fmt::format(
                   "\n{} keeps {:.0f} MB: traffic, models and the gate's state; remove it "
                   "when you need it no more\n",
                   files.folder.string(), static_cast<double>(bytes_in(files)) / 1e6)
            << std::flush;
  return ending;
}

int run(const QuickstartOptions& options) {
  std::optional<Nanos> length;
  if (!options.length.empty()) {
    const auto parsed = parse_duration(options.length);
    if (!parsed)
      return exit_with("quickstart", {Code::invalid_argument, "--for: " + parsed.error().message});
    length = *parsed;
  }
  const Files files(options.folder);
  auto ready = require_own_folder(files);
  if (ready) ready = require_port(options.port);
  if (!ready) return exit_with("quickstart", ready.error());
  EndSignals signals([&files] { remove_half_written(files); });
  std::signal(SIGPIPE, SIG_IGN);  // of the gate's clients
  start_log();
  spdlog::set_level(spdlog::level::warn);  // the watcher tells the story

  auto lock = std::make_optional(hold_folder(files));
  if (!*lock) return exit_with("quickstart", lock->error());
  const auto config = begin_anew(options, files);
  if (!config) return exit_with("quickstart", config.error());
  const Scenario scenario(serve::Clock().now().wall, options.seed);

  headline("A shop's traffic of a month, attackers included");
  auto past = make_past(scenario, files, *config);
  if (!past) return exit_with("quickstart", past.error());
  std::cout << fmt::format("{} requests in {} and {}\n", past->requests, files.train.string(),
                           files.recent.string());
  if (const int status = train_and_evaluate(files); status != kDone) return status;

  headline("A gate, a shop behind it, and clients in front: a second is a minute");
  lock.reset();  // the gate takes it itself
  const auto ending = perform(scenario, std::move(*past), files, *config, signals, length);
  if (!ending) return exit_with("quickstart", ending.error());
  if (length && ending->signal != 0) EndSignals::end_by(ending->signal);
  return !length || ending->seen ? kDone : kFailed;
}

}  // namespace

void add_quickstart(Command app, int& status) {
  auto options = std::make_shared<QuickstartOptions>();
  const auto command = app.add_subcommand(
      "quickstart",
      "Everything in one: makes traffic, trains, evaluates, and plays a rush and three attackers "
      "against a running gate");
  command.add_option("--for", options->length,
                     "ends by itself once the gate has served for so long (60s is enough; training "
                     "comes before and takes minutes), with status 0 if all was seen that was to "
                     "be seen, else 1; without it the gate serves until a signal");
  command
      .add_option("--dir", options->folder,
                  "where its files go: a folder of its own, which a later quickstart uses again")
      .capture_default_str();
  command.add_option("--port", options->port, "where the gate listens; 0: any free port")
      .capture_default_str();
  command.add_option("--seed", options->seed, "another seed, other traffic").capture_default_str();
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
