#include "engine/engine.hpp"

#include <algorithm>

#include "engine/control.hpp"
#include "engine/counters.hpp"

namespace tidelimit::engine {
namespace {

/// The windows that start in [from, until), of all endpoints or of one.
traffic::WindowGrid part_of(const traffic::WindowGrid& grid, WallTime from, WallTime until,
                            const std::string& endpoint) {
  const std::size_t first = std::min(grid.index_from(from), grid.size());
  const std::size_t end = std::clamp(grid.index_from(until), first, grid.size());
  traffic::WindowGrid part;
  part.step = grid.step;
  part.start = grid.time_of(first);
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    if (!endpoint.empty() && grid.endpoints[e] != endpoint) continue;
    part.endpoints.push_back(grid.endpoints[e]);
    const auto begin = grid.stats[e].begin();
    part.stats.emplace_back(begin + static_cast<std::ptrdiff_t>(first),
                            begin + static_cast<std::ptrdiff_t>(end));
  }
  return part;
}

}  // namespace

Engine::Engine(Settings settings, std::shared_ptr<History> history, std::uint64_t seed,
               std::uint64_t start)
    : data_(std::make_unique<Data>(settings, seed, start, history.get())),
      control_(std::make_unique<Control>(*data_, std::move(settings), std::move(history))) {}

Engine::~Engine() = default;

Result<void> Engine::restore(Now now) {
  return control_->restore(now);
}

Result<void> Engine::reconfigure(Settings settings, Now now) {
  return control_->reconfigure(std::move(settings), now);
}

void Engine::set_models(std::shared_ptr<const model::Bundle> bundle) {
  std::lock_guard lock(control_->given_mutex);
  control_->models_given = std::move(bundle);
  control_->hurry();
}

std::shared_ptr<const model::Bundle> Engine::models() const {
  std::lock_guard lock(control_->given_mutex);
  return control_->models_given;
}

void Engine::signal(const policy::Signal& signal) {
  std::lock_guard lock(control_->given_mutex);
  auto& known = control_->signals;
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const auto& one) { return one.name == signal.name; });
  if (found == known.end()) {
    known.push_back(signal);
  } else {
    *found = signal;
  }
}

void Engine::tick(Now now) {
  control_->tick(now);
}

void Engine::save(Now now) {
  std::lock_guard turn(control_->turn);
  control_->save_all(now);
}

std::optional<std::size_t> Engine::try_save(Now now) {
  const std::unique_lock turn(control_->turn, std::try_to_lock);
  if (!turn) return {};
  control_->save_all(now);
  return control_->keeper.waiting_decisions();
}

TableUse Engine::table_use(Instant now) const {
  const limiter::BucketTable& buckets = data_->limiter.buckets();
  const limiter::ClientTable& clients = data_->limiter.clients();
  const limiter::LeaseTable& leases = data_->limiter.leases();
  return {.buckets = buckets.live(now),
          .clients = clients.size(),
          .leases = leases.live(now),
          .bucket_evictions = buckets.reclaimed(),
          .client_evictions = clients.evictions(),
          .lease_evictions = leases.reclaimed(),
          .unwatched_requests = clients.refused()};
}

WallTime Engine::next_due() const {
  const Control& control = *control_;
  const std::int64_t due = control.due.load(std::memory_order_acquire);
  const std::int64_t since = data_->active_since.load(std::memory_order_relaxed);
  if (since == Data::kQuiet) return WallTime{Nanos{due}};
  // The whole second of the monotonic scale that follows the first request.
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t fold = (since / kSecond + 1) * kSecond;
  return WallTime{Nanos{std::min(due, fold + control.wall_offset.load(std::memory_order_relaxed))}};
}

Result<void> Engine::set_mode(std::string_view part, limiter::Mode mode,
                              std::optional<WallTime> until, Now now) {
  return set_mode({std::string(part), policy::ModeFor{mode, 1}, {}, {}, {}, until}, now);
}

Result<void> Engine::set_mode(ModeRecord order, Now now) {
  auto set = control_->modes.set(std::move(order), now);
  control_->hurry();
  return set;
}

std::vector<PartMode> Engine::part_modes() const {
  return control_->modes.parts();
}

SwitchModes Engine::modes() const {
  return control_->modes.modes();
}

Result<void> Engine::put_override(OverrideRecord record, Now now) {
  if (auto checked = OverrideBook::check(record); !checked) return checked;
  record.target = *OverrideBook::target_named(record.target);
  std::lock_guard lock(control_->mutex);
  if (const auto& history = control_->keeper.history()) {
    if (auto stored = history->put_override(record); !stored) return stored;
  }
  control_->overrides.put(std::move(record), now);
  control_->publish_overrides();
  return {};
}

Result<void> Engine::delete_override(const std::string& named, const std::string& by, Now now) {
  const auto target = OverrideBook::target_named(named);
  if (!target) return tl::unexpected(target.error());
  std::lock_guard lock(control_->mutex);
  if (control_->overrides.find(*target) == nullptr)
    return fail(Code::not_found, "there is no override for " + *target);
  if (const auto& history = control_->keeper.history()) {
    auto deleted = history->delete_override(*target, by, now.wall);
    if (!deleted && deleted.error().code != Code::not_found) return deleted;
  }
  control_->overrides.erase(*target);
  control_->publish_overrides();
  return {};
}

std::vector<OverrideRecord> Engine::overrides() const {
  std::lock_guard lock(control_->mutex);
  return control_->overrides.all();
}

Result<void> Engine::put_label(const LabelRecord& record, Now now) {
  std::lock_guard lock(control_->mutex);
  return control_->put_label(record, now);
}

Result<void> Engine::delete_label(const std::string& target, Now now) {
  std::lock_guard lock(control_->mutex);
  return control_->delete_label(target, now);
}

std::vector<LabelRecord> Engine::labels() const {
  std::lock_guard lock(control_->mutex);
  return control_->labels.all();
}

void Engine::write_records(Now now) {
  std::lock_guard lock(control_->mutex);
  control_->write_records(now);
}

void Engine::forget_verdict(const ClientId& client, Now now) {
  std::lock_guard lock(control_->mutex);
  const auto before = control_->verdicts.all_on(client);
  control_->verdicts.forget(client);
  control_->publish_verdicts(now);
  control_->store_ended(client, before, now);
}

std::shared_ptr<const Status> Engine::status() const {
  control_->status_asked.store(true, std::memory_order_relaxed);
  return control_->status.current();
}

CountersView Engine::counters() const {
  return data_->counters();
}

std::optional<ClientView> Engine::client(const ClientId& client, Now now) const {
  std::lock_guard lock(control_->mutex);
  return control_->view_of(client, now);
}

traffic::WindowGrid Engine::windows(WallTime from, WallTime until,
                                    const std::string& endpoint) const {
  WallTime held_from;
  WallTime held_until;
  traffic::WindowGrid held;
  {
    std::lock_guard lock(control_->mutex);
    const traffic::WindowGrid& closed = control_->windows.closed();
    held_from = closed.start;
    held_until = closed.time_of(closed.size());
    held = part_of(closed, from, until, endpoint);
  }
  const auto history = control_->keeper.history();
  if (from >= held_from || !history) return held;
  // Beyond the last closed window the history knows the saved state of the open one.
  auto stored = history->windows(from, held.step, held.endpoints, std::min(until, held_until));
  const bool older = stored && stored->size() > 0 && stored->start < held_from;
  return older ? std::move(*stored) : held;
}

std::shared_ptr<const limiter::Plan> Engine::plan() const {
  return data_->view.current()->plan;
}

limiter::Limiter& Engine::limiter() {
  return data_->limiter;
}

std::shared_ptr<History> Engine::history() const {
  return control_->keeper.history();
}

}  // namespace tidelimit::engine
