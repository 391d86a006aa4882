#include "serve/control.hpp"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "model/shape_misfit.hpp"
#include "serve/admin/configurations.hpp"
#include "serve/net/join_within.hpp"
#include "store/bundles/bundle_folder.hpp"

namespace tidelimit::serve {
namespace {

constexpr Nanos kLongestTurn = std::chrono::seconds{1};
constexpr int kNice = 10;  // a tenth of a loop's weight (sched(7))
constexpr Nanos kShortestTurn = std::chrono::milliseconds{20};

/// Changes with the file: inode, size and time of change; empty when there is none.
std::string file_fingerprint(const std::filesystem::path& file) {
  struct stat status {};
  if (file.empty() || stat(file.c_str(), &status) != 0) return {};
  return fmt::format("{}:{}:{}.{}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

/// Of the configuration and the files of domains that it names.
std::string configuration_fingerprint(const config::Config& config) {
  std::string all = file_fingerprint(config.file);
  for (const auto& file : config::domain_files(config))
    all += "|" + file.string() + ":" + file_fingerprint(file);
  return all;
}

/// One that another configuration names is another one, though neither be there.
std::string tokens_fingerprint(const config::Config& config) {
  const auto& file = config.admin_token_file;
  return file.string() + ":" + file_fingerprint(file);
}

std::string models_fingerprint(const config::Config& config) {
  return store::bundle_fingerprint(config.forecast_model) + "|" +
         store::bundle_fingerprint(config.anomaly_model);
}

}  // namespace

std::vector<std::string> fixed_settings_changed(const config::Config& before,
                                                const config::Config& after) {
  std::vector<std::string> changed;
  const auto note = [&](bool differs, const char* name) {
    if (differs) changed.emplace_back(name);
  };
  note(before.listen.http != after.listen.http, "listen.http");
  note(before.listen.grpc != after.listen.grpc, "listen.grpc");
  note(before.listen.syslog != after.listen.syslog, "listen.syslog");
  note(before.listen.admin != after.listen.admin, "listen.admin");
  note(before.listen.metrics != after.listen.metrics, "listen.metrics");
  note(before.state != after.state, "state");
  return changed;
}

bool ControlThread::Watched::settled_anew(std::string fingerprint) {
  const bool settled = fingerprint == seen;
  seen = std::move(fingerprint);
  if (!settled || seen == acted_on) return false;
  acted_on = seen;
  return true;
}

ControlThread::ControlThread(engine::Engine& engine, const Clock& clock, SettingsSlot& settings,
                             TokenSlot& tokens, Notes& notes, ReloadState& reload)
    : engine_(engine),
      clock_(clock),
      settings_(settings),
      tokens_(tokens),
      notes_(notes),
      reload_(reload),
      cpu_(engine, clock, notes) {
  const auto in_force = settings_.current();
  const auto known = [](std::string fingerprint) { return Watched{fingerprint, fingerprint}; };
  configuration_file_ = known(configuration_fingerprint(in_force->config));
  model_folders_ = known(models_fingerprint(in_force->config));
  token_file_ = known(tokens_fingerprint(in_force->config));
  tell_history(in_force->config);
  if (const auto history = engine_.history()) {
    if (const auto hold = history->hold(); hold && *hold) note_configuration({}, *hold);
  }
  last_turn_ns_ = clock_.mono().since_start.count();
  note_missing_models(in_force->config);
}

/// What could not be read at the start is named, and looked for again when its folder changes.
void ControlThread::note_missing_models(const config::Config& config) {
  const auto running = engine_.models();
  if (running && (running->forecast || config.forecast_model.empty()) &&
      (running->anomaly || config.anomaly_model.empty()))
    return;
  const auto models = store::read_models(config.forecast_model, config.anomaly_model, nullptr,
                                         store::Damaged::left_out);
  if (!models) {
    notes_.set("model",
               fmt::format("started without, limits stay at base: {}", models.error().message));
  } else if (!models->warnings.empty()) {
    notes_.set("model", fmt::format("started without: {}", fmt::join(models->warnings, "; ")));
  }
}

ControlThread::~ControlThread() {
  if (thread_.joinable()) (void)stop(std::chrono::hours{1});
}

void ControlThread::start() {
  thread_ = std::thread([this] { run(); });
  (void)pthread_setname_np(thread_.native_handle(), "control");
}

void ControlThread::reload() {
  std::lock_guard lock(mutex_);
  reload_asked_ = true;
  changed_.notify_all();
}

bool ControlThread::stop(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  return join_within(patience, thread_, lock, changed_, done_);
}

void ControlThread::run() {
  // Where CPUs are short, a forecast must wait for answers and not they for it.
  (void)setpriority(PRIO_PROCESS, 0, kNice);
  bool last = false;
  while (!last) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, until_next_turn(), [this] { return stopping_ || reload_asked_; });
      last = stopping_;
    }
    turn();
    if (last) engine_.save(clock_.now());
    last_turn_ns_ = clock_.mono().since_start.count();
  }
  std::lock_guard lock(mutex_);
  done_ = true;
  changed_.notify_all();
}

void ControlThread::turn() {
  try {
    look_after_files();
    const Now now = clock_.now();
    cpu_.measure(settings_.current()->config.cpu, now.mono);
    engine_.tick(now);
    notes_.clear("control plane");
    if (const auto status = engine_.status()) log_.tell(*status);
  } catch (const std::exception& fault) {
    notes_.set("control plane", fmt::format("a turn failed: {}", fault.what()));
  }
}

Nanos ControlThread::until_next_turn() const {
  const Nanos due = engine_.next_due() - clock_.now().wall;
  return std::clamp(clock_.real_wall(due), kShortestTurn, kLongestTurn);
}

void ControlThread::look_after_files() {
  bool asked = false;
  {
    std::lock_guard lock(mutex_);
    asked = std::exchange(reload_asked_, false);
  }
  const auto in_force = settings_.current();
  const std::string fingerprint = configuration_fingerprint(in_force->config);
  if (asked) configuration_file_ = {fingerprint, fingerprint};
  if (configuration_file_.settled_anew(fingerprint) || asked) read_configuration();
  const auto now_in_force = settings_.current();
  if (model_folders_.settled_anew(models_fingerprint(now_in_force->config)))
    read_models(now_in_force->config);
  if (token_file_.settled_anew(tokens_fingerprint(now_in_force->config)))
    read_tokens(now_in_force->config);
}

void ControlThread::read_configuration() {
  const auto in_force = settings_.current();
  const auto history = engine_.history();
  auto chosen = choose_configuration(in_force->config.file, history.get());
  Result<void> applied;
  if (chosen) applied = engine_.reconfigure(chosen->config.engine, clock_.now());
  if (!chosen || !applied) {
    // One that can't be taken up is not to be tried again at every turn of the file.
    if (chosen && chosen->hold) (void)history->put_hold(nullptr);
    notes_.set("configuration",
               fmt::format("refused, the old one stays in force: {}",
                           chosen ? applied.error().message : chosen.error().message));
    reload_.successful = false;
    return;
  }
  if (!chosen->ended.empty()) spdlog::warn("the configuration is held no more: {}", chosen->ended);
  config::Config& config = chosen->config;
  for (const std::string& warning : config.warnings) spdlog::warn("{}", warning);
  const auto fixed = fixed_settings_changed(in_force->config, config);
  config.listen = in_force->config.listen;
  config.state = in_force->config.state;
  tell_history(config);
  settings_.publish(make_front_settings(std::move(config), in_force->epoch + 1, in_force.get()));
  reload_.successful = true;
  reload_.success_unix_seconds =
      std::chrono::floor<std::chrono::seconds>(clock_.now().wall).time_since_epoch().count();
  note_configuration(fixed, chosen->hold);
  spdlog::info("configuration {} is in force{}", in_force->config.file.string(),
               chosen->hold ? ", " + in_words(*chosen->hold) : "");
}

/// Of a configuration that takes effect. One that is held at the start is not the one by which the
/// history was opened.
void ControlThread::tell_history(const config::Config& config) {
  const auto history = engine_.history();
  if (history == nullptr) return;
  history->set_retention(config.retention);
  keep_configuration(config, history.get(), clock_.now().wall);
}

void ControlThread::note_configuration(const std::vector<std::string>& fixed,
                                       const std::optional<engine::ConfigurationHold>& hold) {
  std::string words;
  if (hold) words = in_words(*hold);
  if (!fixed.empty())
    words += fmt::format("{}in force but for {}: restart to change that", words.empty() ? "" : "; ",
                         fmt::join(fixed, ", "));
  if (words.empty()) {
    notes_.clear("configuration");
  } else {
    notes_.set("configuration", words);
  }
}

void ControlThread::read_models(const config::Config& config) {
  const auto running = engine_.models();
  auto models = store::read_models(config.forecast_model, config.anomaly_model, running.get(),
                                   store::Damaged::left_out);
  if (models) {
    std::string refusal = model::shape_refusal(*models->bundle, running.get(), config.engine.shape);
    if (!refusal.empty()) refusal = config.forecast_model.string() + ": " + refusal;
    if (!refusal.empty() && store::two_folders(config.forecast_model, config.anomaly_model)) {
      model::Bundle bundle{running->manifest, running->forecast, models->bundle->anomaly};
      bundle.manifest.anomaly_version = models->bundle->manifest.anomaly_version;
      models->bundle = std::make_shared<const model::Bundle>(std::move(bundle));
      models->warnings.push_back(std::move(refusal));
    } else if (!refusal.empty()) {
      models = fail(Code::failed_precondition, std::move(refusal));
    }
  }
  if (!models) {
    notes_.set("model", fmt::format("refused, what ran goes on: {}", models.error().message));
    return;
  }
  engine_.set_models(models->bundle);
  if (models->warnings.empty()) {
    notes_.clear("model");
  } else {
    notes_.set("model", fmt::format("what ran goes on: {}", fmt::join(models->warnings, "; ")));
  }
  const model::Bundle& bundle = *models->bundle;
  spdlog::info("model in force: {}",
               bundle.forecast || bundle.anomaly ? bundle.manifest.version : "none");
}

void ControlThread::read_tokens(const config::Config& config) {
  std::string warning;
  // A file made here would take away the tokens that callers have, for no more than a slip of rm.
  auto tokens = load_tokens(config.admin_token_file, TokenFile::there, warning);
  if (!warning.empty()) spdlog::warn("{}", warning);
  if (!tokens) {
    notes_.set("tokens", fmt::format("the old ones stay: {}", tokens.error().message));
    return;
  }
  tokens_.publish(std::make_shared<const TokenTable>(std::move(*tokens)));
  notes_.clear("tokens");
}

}  // namespace tidelimit::serve
