#include "serve/service.hpp"

#include <algorithm>
#include <optional>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <thread>
#include <utility>

#include "serve/bucket_keeper.hpp"
#include "serve/control.hpp"
#include "serve/descriptor_limit.hpp"
#include "serve/loop_thread.hpp"
#include "serve/metrics/render.hpp"
#include "serve/mishaps.hpp"
#include "serve/retrainer.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::size_t kLaneQueue = 64;
constexpr Nanos kHangs = std::chrono::seconds{15};  // a turn takes milliseconds, a scan tens
constexpr std::size_t kMostConnections = 16'384;    // each takes a descriptor
constexpr std::size_t kMostPerClient = 256;         // trusted callers are exempt
constexpr std::size_t kMostBodyBytes = 128 << 20;
constexpr std::size_t kMostUnsentBytes = 64 << 20;  // trusted callers are exempt
constexpr int kStatusNice = 10;  // a tenth of a loop's weight: anyone may ask for the metrics

struct Place {
  HostPort* where;  ///< its port is filled in
  Roles roles;
};

/// Which addresses to listen on, and what each answers: equal addresses are one.
std::vector<Place> places_of(config::Listen& listen) {
  std::vector<Place> places{
      {&listen.http,
       {.gate = true, .admin = !listen.admin.has_value(), .metrics = !listen.metrics.has_value()}}};
  const auto add = [&](HostPort& where, Roles roles) {
    for (Place& place : places) {
      if (*place.where != where || where.port == 0) continue;
      place.roles.admin |= roles.admin;
      place.roles.metrics |= roles.metrics;
      return;
    }
    places.push_back({&where, roles});
  };
  if (listen.admin) add(*listen.admin, {.admin = true});
  if (listen.metrics) add(*listen.metrics, {.metrics = true});
  return places;
}

}  // namespace

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
    return static_cast<unsigned>(CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

struct Service::Impl {
  Impl(std::shared_ptr<engine::Engine> shared_engine, const Clock& the_clock,
       const ServiceOptions& options);

  Result<void> open(config::Config config);
  Result<void> open_listeners();
  Result<void> bound_connections();
  Result<void> load_token_table(const config::Config& config);
  Response take_large_report(const std::string& target, std::string& body, const Now& now);
  [[nodiscard]] std::string metrics_text() const;
  void note_mishaps();

  // Order matters: what is below uses what is above, and goes first.
  std::shared_ptr<engine::Engine> engine;
  const Clock& clock;
  ServiceOptions options;
  config::Listen listen;
  Notes notes;
  ReloadState reload;
  SyslogCounts syslog;
  envoy::RateLimitShared rate_limit_calls;
  SettingsSlot settings;
  TokenSlot tokens;
  std::atomic<bool> stopping{false};
  DeskContext desk;
  ConnectionQuota quota{0, 0};  ///< bounded once all else is open
  ByteBudget bodies{kMostBodyBytes};
  ByteBudget unsent{kMostUnsentBytes};
  BodyReader report_bodies;                             ///< admin lane only
  std::unique_ptr<engine::EngineWorker> report_worker;  ///< admin lane only
  std::optional<ControlThread> control;
  std::optional<Retrainer> retrainer;
  std::optional<BucketKeeper> bucket_keeper;
  std::vector<std::unique_ptr<LoopThread>> loops;
  // Lanes answer into the loops, so they stop first.
  Lane order_lane{"orders", kLaneQueue};
  Lane status_lane{"status", kLaneQueue, kStatusNice};
  Lane change_lane{"changes", kLaneQueue};
  Lane admin_lane{"admin", kLaneQueue};
  Lane model_lane{"models", kLaneQueue};
  FrontShared shared;
  Mishaps refusals{notes, clock, "descriptors",
                   "connections are refused for want of them: raise ulimit -n"};
  Mishaps unreadable{notes, clock, "syslog",
                     "messages are no access-log lines, or cut off: their requests are not "
                     "counted; the log shows one"};
};

Service::Impl::Impl(std::shared_ptr<engine::Engine> shared_engine, const Clock& the_clock,
                    const ServiceOptions& the_options)
    : engine(std::move(shared_engine)),
      clock(the_clock),
      options(the_options),
      desk{.engine = *engine,
           .settings = settings,
           .metrics = [this] { return metrics_text(); },
           .degraded = [this] { return notes.all(); },
           .refusal = [this] { return reload.successful ? "" : notes.of("configuration"); },
           .stopping = [this] { return stopping.load(); },
           .next_retraining = [this] { return retrainer ? retrainer->next() : std::nullopt; },
           .retraining_since = [this] { return retrainer ? retrainer->since() : std::nullopt; },
           .reload = [this] { control->reload(); }},
      report_worker(engine->make_worker()),
      shared{.desk = desk,
             .tokens = tokens,
             .bodies = bodies,
             .unsent = unsent,
             .order_lane = order_lane,
             .status_lane = status_lane,
             .change_lane = change_lane,
             .admin_lane = admin_lane,
             .model_lane = model_lane,
             .report = [this](const std::string& target, std::string& body, const Now& now) {
               return take_large_report(target, body, now);
             }} {}

std::string Service::Impl::metrics_text() const {
  MetricsInput input = metrics_of(*engine, clock.now());
  for (const auto& loop : loops) {
    input.latency += loop->latency().read();
    const Unnamed unnamed = loop->unnamed();
    input.unnamed_clients += unnamed.clients;
    input.unnamed_routes += unnamed.routes;
    input.unmatched_fields += unnamed.fields;
    const auto calls = loop->grpc_calls();
    input.grpc_calls.insert(input.grpc_calls.end(), calls.begin(), calls.end());
    for (std::size_t i = 0; i < kFloods; ++i)
      input.floods[i] += loop->ended_for(static_cast<Flood>(i));
    for (std::size_t i = 0; i < input.refusals.size(); ++i)
      loop->add_refusals(static_cast<Wire>(i), input.refusals[i]);
  }
  input.connections = quota.by_wire().on;
  for (std::size_t i = 0; i < input.no_place.size(); ++i)
    input.no_place[i] = quota.refused(static_cast<NoPlace>(i));
  input.body_bytes = bodies.held();
  input.unsent_bytes = unsent.held();
  if (retrainer) {
    for (const auto ending : Retrainer::kEndings)
      input.retrainings.push_back({Retrainer::to_string(ending), retrainer->count(ending)});
  }
  if (bucket_keeper) input.kept_buckets = bucket_keeper->figures();
  input.reload_successful = reload.successful;
  input.reload_success_unix_seconds = reload.success_unix_seconds;
  input.notes = notes.all().size();
  input.syslog_lines = syslog.lines;
  input.syslog_unreadable = syslog.unreadable;
  input.unmatched_domains = rate_limit_calls.unknown_domains;
  input.counters.overflow_decisions += rate_limit_calls.domain_overflows;
  input.descriptors = settings.current()->domains.tallies();
  input.syslog_untrusted = syslog.untrusted;
  return render(input);
}

Response Service::Impl::take_large_report(const std::string& target, std::string& body,
                                          const Now& now) {
  body.reserve(body.size() + kBodyPadding);
  return take_report(report_bodies, *report_worker, *settings.current(), target, body, now);
}

Result<void> Service::Impl::load_token_table(const config::Config& config) {
  std::string warning;
  auto table = load_tokens(config.admin_token_file, TokenFile::made_if_missing, warning);
  if (!table) return tl::unexpected(table.error());
  if (!warning.empty()) spdlog::warn("{}", warning);
  tokens.publish(std::make_shared<const TokenTable>(std::move(*table)));
  return {};
}

Result<void> Service::Impl::open(config::Config config) {
  listen = config.listen;
  const Now now = clock.now();
  const WallTime zero = now.wall - now.mono.since_start;  // of fixed windows, to be theirs again
  rate_limit_calls.clock_offset = zero.time_since_epoch();
  if (auto loaded = load_token_table(config); !loaded) return loaded;
  reload.success_unix_seconds =
      std::chrono::floor<std::chrono::seconds>(clock.now().wall).time_since_epoch().count();
  settings.publish(make_front_settings(std::move(config), limiter::kFirstEpoch));
  if (options.buckets) {
    bucket_keeper.emplace(*options.buckets, engine->limiter().buckets().main(), settings, clock,
                          zero, notes);
    bucket_keeper->restore();
  }

  raise_descriptor_limit_for(kMostConnections);
  const unsigned count = options.loops > 0 ? options.loops : usable_cpus();
  for (unsigned i = 0; i < count; ++i)
    loops.push_back(std::make_unique<LoopThread>(*engine, settings, clock, shared, quota));
  if (auto opened = open_listeners(); !opened) return opened;
  control.emplace(*engine, clock, settings, tokens, notes, reload);
  retrainer.emplace(*engine, settings, clock, notes);
  return bound_connections();
}

Result<void> Service::Impl::bound_connections() {
  const auto connections = connections_with_descriptors(kMostConnections);
  if (!connections) return tl::unexpected(connections.error());
  quota.bound(*connections, std::min(kMostPerClient, *connections / 2));
  return {};
}

Result<void> Service::Impl::open_listeners() {
  const std::vector<Place> places = places_of(listen);
  for (const Place& place : places) {
    if (auto is_free = require_free_port(*place.where); !is_free) return is_free;
  }
  for (const Place& place : places) {
    // The gate's calls are spread over all loops; one is plenty for people and scrapers.
    const std::size_t count = place.roles.gate ? loops.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
      auto socket = listen_tcp(*place.where);
      if (!socket) return tl::unexpected(socket.error());
      place.where->port = local_port(*socket);
      loops[i]->serve_http({std::move(*socket), place.roles});
    }
  }
  if (listen.grpc) {
    if (auto is_free = require_free_port(*listen.grpc); !is_free) return is_free;
    for (const auto& loop : loops) {
      auto socket = listen_tcp(*listen.grpc);
      if (!socket) return tl::unexpected(socket.error());
      listen.grpc->port = local_port(*socket);
      loop->serve_grpc(std::move(*socket), rate_limit_calls);
    }
  }
  if (listen.syslog) {
    auto socket = bind_udp(*listen.syslog);
    if (!socket) return tl::unexpected(socket.error());
    listen.syslog->port = local_port(*socket);
    loops.front()->serve_syslog(std::move(*socket), syslog);
  }
  return {};
}

void Service::Impl::note_mishaps() {
  (void)refusals.counted(quota.refused(NoPlace::descriptors));
  const Mishaps::Change change = unreadable.counted(syslog.unreadable);
  if (change == Mishaps::Change::none) return;
  // An example is kept before its message is counted: who takes it at any other time takes that of
  // a note that is still to begin.
  const std::string example = syslog.unreadable_example.take();
  // Anyone may ask what is degraded, but a message names a client.
  if (change == Mishaps::Change::begins)
    spdlog::warn("syslog: a message that can't be read: {}", example);
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Service::~Service() {
  if (impl_ && !impl_->stopping) (void)stop(std::chrono::seconds{5});
}

Result<std::unique_ptr<Service>> Service::start(config::Config config,
                                                std::shared_ptr<engine::Engine> engine,
                                                const Clock& clock, const ServiceOptions& options) {
  auto impl = std::make_unique<Impl>(std::move(engine), clock, options);
  if (auto opened = impl->open(std::move(config)); !opened) return tl::unexpected(opened.error());
  // The first plan stands before the first request is answered.
  impl->engine->tick(clock.now());
  impl->control->start();
  impl->retrainer->start();
  if (impl->bucket_keeper) impl->bucket_keeper->start();
  for (unsigned i = 0; i < impl->loops.size(); ++i) impl->loops[i]->start(i);
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

const config::Listen& Service::listening() const {
  return impl_->listen;
}

unsigned Service::loops() const {
  return static_cast<unsigned>(impl_->loops.size());
}

void Service::reload() {
  impl_->control->reload();
}

void Service::watch() {
  impl_->note_mishaps();
  const Nanos silent = impl_->clock.real(impl_->clock.mono() - impl_->control->last_turn());
  if (silent < kHangs) {
    impl_->notes.clear("control plane hangs");
    return;
  }
  impl_->notes.set("control plane hangs",
                   "no turn has ended for a while; requests are answered by the last plan, then by "
                   "the base limits");
}

bool Service::stop(std::chrono::milliseconds patience) {
  using std::chrono::steady_clock;
  impl_->stopping = true;
  impl_->retrainer->abandon();
  const auto deadline = steady_clock::now() + patience;
  for (const auto& loop : impl_->loops) loop->drain();
  const auto all_drained = [&] {
    return std::all_of(impl_->loops.begin(), impl_->loops.end(),
                       [](const auto& loop) { return loop->drained(); });
  };
  while (!all_drained() && steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  bool well = true;
  for (Lane* lane : {&impl_->order_lane, &impl_->status_lane, &impl_->model_lane,
                     &impl_->change_lane, &impl_->admin_lane})
    well = lane->stop(patience) && well;
  for (const auto& loop : impl_->loops) loop->stop();
  well = impl_->control->stop(patience) && well;
  if (impl_->bucket_keeper) well = impl_->bucket_keeper->stop(patience) && well;
  // It runs when nothing else does, so it may come last, and nothing is lost with it.
  return impl_->retrainer->stop(patience) && well;
}

}  // namespace tidelimit::serve
