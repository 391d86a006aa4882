#include "ingest/synthetic/synthetic.hpp"

#include <cmath>
#include <optional>

#include "ingest/synthetic/attackers.hpp"
#include "ingest/synthetic/customers.hpp"
#include "ingest/synthetic/pages.hpp"
#include "ingest/synthetic/services.hpp"

namespace tidelimit::synthetic {
namespace {

/// Each part draws from a stream of its own, so that none moves another.
enum Stream : std::uint64_t {
  kDrift = 1,
  kCustomers,
  kServices,
  kAttackers,
  kWeather,
  kPages,
  kNoise = 100,     // + endpoint
  kArrivals = 200,  // + endpoint
  kFilter = 300,    // + endpoint
};

constexpr std::int64_t kMinuteNanos = 60'000'000'000;

/// Times of logs are read up to here (ingest/timestamp.hpp), and 64-bit nanoseconds end in 2262.
constexpr WallTime kEnd = std::chrono::sys_days{std::chrono::year{2200} / 1 / 1};

std::int64_t windows_of(double days) {
  constexpr double kWindowsPerDay = double{kDayMinutes} / double{kWindowMinutes};
  return std::max<std::int64_t>(1, std::llround(days * kWindowsPerDay));
}

tl::unexpected<Error> out_of_range(std::string_view option, std::string_view range) {
  return fail(Code::invalid_argument, std::string(option) + " must be " + std::string(range));
}

Result<void> check(const SyntheticOptions& options) {
  // Written so that NaN fails too.
  if (!(options.days > 0 && options.days <= 36'500)) {
    return out_of_range("days", "above 0 and at most 36500");
  }
  if (!(options.scale >= 0.001 && options.scale <= 10'000)) {
    return out_of_range("scale", "from 0.001 to 10000");
  }
  if (!(options.attackers >= 0 && options.attackers <= 0.5)) {
    return out_of_range("attackers", "a share from 0 to 0.5");
  }
  const auto window = std::chrono::minutes{kWindowMinutes};
  const WallTime floor = floor_to(options.start, window);
  if (floor != options.start) {
    return out_of_range("start", "on a quarter of an hour, such as " + format_time(floor));
  }
  if (options.start.time_since_epoch().count() < 0) return out_of_range("start", "after 1970");
  if (options.start >= kEnd) return out_of_range("start", "before 2200");
  const std::chrono::duration<double, std::chrono::days::period> most = kEnd - options.start;
  if (options.days > most.count()) {
    return out_of_range("days", "at most " + std::to_string(static_cast<int>(most.count())) +
                                    " from that start, so that it ends before 2200");
  }
  return {};
}

}  // namespace

/// Everything that lives while the data are made; fills one minute after the other.
class SyntheticTraffic::World {
 public:
  explicit World(SyntheticOptions options);

  const traffic::Request* next();
  double progress() const {
    return static_cast<double>(minute_ - start_) / static_cast<double>(end_ - start_);
  }
  WallTime end() const { return time_of(end_); }

  ClientLabels labels;
  std::vector<RateRow> rates;

 private:
  /// What one endpoint owns.
  struct Flow {
    Disturbance noise;
    Random arrivals;
    std::optional<RateTrack> track;
  };

  void open_window();
  void close_window();
  void fill_minute();
  void fill_customers();
  void write_customer(Endpoint endpoint, Random& arrivals);
  KnownRate known(Endpoint endpoint, UnixMinute start) const;
  std::uint64_t count_attackers() const;

  SyntheticOptions options_;
  UnixMinute start_;
  UnixMinute end_;
  UnixMinute minute_;
  Random root_;
  DemandLaw law_;
  AddressBook addresses_;
  Customers customers_;
  Services services_;
  Weather weather_;
  Random pages_;
  std::vector<Flow> flows_;  ///< by endpoint
  std::optional<Attackers> attackers_;
  PerEndpoint<double> counts_{};  ///< good requests of the open window
  Batch batch_;
};

SyntheticTraffic::World::World(SyntheticOptions options)
    : options_(std::move(options)),
      start_(options_.start.time_since_epoch().count() / kMinuteNanos),
      end_(start_ + windows_of(options_.days) * kWindowMinutes),
      minute_(start_),
      root_(options_.seed),
      law_(options_.scale, options_.schedule, root_.fork(kDrift)),
      addresses_(options_.seed),
      customers_(options_.scale, addresses_, root_.fork(kCustomers)),
      services_(options_.scale, addresses_, root_.fork(kServices)),
      weather_(root_.fork(kWeather)),
      pages_(root_.fork(kPages)) {
  for (const Endpoint e : kAllEndpoints) {
    const auto index = static_cast<std::uint64_t>(e);
    Flow& flow = flows_.emplace_back(Flow{Disturbance(options_.noise, root_.fork(kNoise + index)),
                                          root_.fork(kArrivals + index), std::nullopt});
    if (options_.rates) flow.track.emplace(e, options_.noise, root_.fork(kFilter + index));
  }
  attackers_.emplace(count_attackers(), start_, end_, addresses_, root_.fork(kAttackers));
}

std::uint64_t SyntheticTraffic::World::count_attackers() const {
  if (options_.attackers <= 0) return 0;
  double members = 0;
  double guests = 0;
  for (const Endpoint e : kAllEndpoints) {
    const double daily = law_.mean_per_minute(e) * double{kDayMinutes};
    const double member_share = needs_login(e) ? 1.0 : kMemberShareOfOpenPages;
    members += daily * member_share;
    guests += daily * (1.0 - member_share);
  }
  const double days = static_cast<double>(end_ - start_) / double{kDayMinutes};
  const double good =
      customers_.expected_clients(days, members, guests) + static_cast<double>(services_.clients());
  const double wanted = good * options_.attackers / (1.0 - options_.attackers);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(wanted)));
}

KnownRate SyntheticTraffic::World::known(Endpoint endpoint, UnixMinute start) const {
  return {law_.per_window(endpoint, start), services_.steady(endpoint, start),
          services_.fixed(endpoint, start)};
}

void SyntheticTraffic::World::open_window() {
  weather_.advance(minute_);
  for (const Endpoint e : kAllEndpoints) {
    Flow& flow = flows_[static_cast<std::size_t>(e)];
    flow.noise.advance();
    if (!flow.track) continue;
    std::array<KnownRate, kHorizon> next;
    for (std::size_t i = 0; i < kHorizon; ++i) {
      next[i] = known(e, minute_ + static_cast<std::int64_t>(i) * kWindowMinutes);
    }
    const double factor = std::exp(flow.noise.state().log_factor());
    flow.track->open(time_of(minute_), next,
                     next[0].customers * factor + next[0].steady + next[0].fixed);
  }
}

void SyntheticTraffic::World::close_window() {
  for (const Endpoint e : kAllEndpoints) {
    Flow& flow = flows_[static_cast<std::size_t>(e)];
    if (flow.track) flow.track->close(counts_[e], rates);
  }
  counts_.fill(0);
  if (minute_ == end_) {
    for (Flow& flow : flows_) {
      if (flow.track) flow.track->finish(rates);
    }
  }
}

void SyntheticTraffic::World::fill_minute() {
  if ((minute_ - start_) % kWindowMinutes == 0) open_window();
  batch_.begin(time_of(minute_));
  fill_customers();
  services_.emit(minute_, weather_, batch_, counts_, labels);
  attackers_->emit(minute_, batch_, labels);
  batch_.sort();
  ++minute_;
  if ((minute_ - start_) % kWindowMinutes == 0) close_window();
}

void SyntheticTraffic::World::fill_customers() {
  PerEndpoint<double> rates_now{};
  for (const Endpoint e : kAllEndpoints) {
    const NoiseState& noise = flows_[static_cast<std::size_t>(e)].noise.state();
    rates_now[e] = law_.per_minute(e, minute_) * std::exp(noise.log_factor());
    weather_.set_load(e, rates_now[e] / law_.mean_per_minute(e));
  }
  customers_.begin_minute(minute_, rates_now, law_.sale_at(minute_));
  for (const Endpoint e : kAllEndpoints) {
    Random& arrivals = flows_[static_cast<std::size_t>(e)].arrivals;
    const std::uint64_t asked = arrivals.poisson(rates_now[e]);
    for (std::uint64_t i = 0; i < asked; ++i) write_customer(e, arrivals);
    counts_[e] += static_cast<double>(asked);
  }
}

void SyntheticTraffic::World::write_customer(Endpoint endpoint, Random& arrivals) {
  const Session& session = customers_.next_session(endpoint, labels);
  traffic::Request& request = batch_.add(arrivals.below(60'000));
  request.client = session.client.id;
  request.client_name = batch_.keep(session.client.name());
  request.user_id = session.member ? batch_.keep(user_name(session.user).view()) : "";
  request.tier = session.premium ? "PRM" : "STD";
  request.user_agent = session.agent;
  ask(endpoint, weather_, pages_, batch_, request);
}

const traffic::Request* SyntheticTraffic::World::next() {
  for (;;) {
    if (const traffic::Request* request = batch_.next()) return request;
    if (minute_ == end_) return nullptr;
    fill_minute();
  }
}

Result<SyntheticTraffic> SyntheticTraffic::create(SyntheticOptions options) {
  if (auto checked = check(options); !checked) return tl::unexpected(checked.error());
  return SyntheticTraffic(std::make_unique<World>(std::move(options)));
}

SyntheticTraffic::SyntheticTraffic(std::unique_ptr<World> world) : world_(std::move(world)) {}
SyntheticTraffic::~SyntheticTraffic() = default;
SyntheticTraffic::SyntheticTraffic(SyntheticTraffic&&) noexcept = default;
SyntheticTraffic& SyntheticTraffic::operator=(SyntheticTraffic&&) noexcept = default;

bool SyntheticTraffic::next(traffic::Request& request) {
  const traffic::Request* row = world_->next();
  if (row == nullptr) return false;
  request = *row;
  return true;
}

ClientLabels SyntheticTraffic::take_labels() {
  return std::exchange(world_->labels, {});
}
std::vector<RateRow> SyntheticTraffic::take_rates() {
  return std::exchange(world_->rates, {});
}
double SyntheticTraffic::progress() const {
  return world_->progress();
}
WallTime SyntheticTraffic::end() const {
  return world_->end();
}

}  // namespace tidelimit::synthetic
