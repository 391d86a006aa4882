#include "ingest/synthetic/customers.hpp"

#include <algorithm>
#include <cmath>

#include "ingest/synthetic/agents.hpp"

namespace tidelimit::synthetic {
namespace {

// At scale 1.
constexpr double kUsers = 1500;
constexpr double kGuests = 3000;
constexpr double kSaleFans = 24;
constexpr double kMaxCrowd = 4e6;
constexpr std::uint32_t kStaff = 40;  // of one office
constexpr std::uint32_t kPremiumEvery = 5;

// A place in a pool gets 1.5 requests a minute, and a session holds 1 to 3 places: 1.5 to 4.5
// requests a minute for 8 minutes, 19 requests in all. Somebody hunting a bargain holds 10.
constexpr double kRequestsPerPlace = 1.5;
constexpr double kMeanPlaces = 1.6;
constexpr double kMeanMinutes = 8.0;
constexpr double kRequestsPerSession = kRequestsPerPlace * kMeanPlaces * kMeanMinutes;
constexpr std::size_t kSalePlaces = 10;

constexpr double kPhoneShare = 0.35;
constexpr double kAppShare = 0.4;  // of phones
constexpr double kOfficeShare = 0.15;
constexpr double kSaleShare = 0.06;
// Some people come much more often: person = size · u^kSkew.
constexpr double kSkew = 1.6;

constexpr std::uint32_t kFirstUser = 100'000;

std::uint32_t skewed(std::uint32_t size, Random& random) {
  const double position = std::pow(random.uniform(), kSkew) * static_cast<double>(size);
  return std::min(static_cast<std::uint32_t>(position), size - 1);
}

std::uint32_t crowd_size(double at_scale_1, double scale) {
  return static_cast<std::uint32_t>(std::clamp(std::round(at_scale_1 * scale), 1.0, kMaxCrowd));
}

/// Distinct persons among `sessions` skewed draws from `size`.
double expected_distinct(double size, double sessions) {
  constexpr int kCells = 64;
  double distinct = 0;
  for (int cell = 0; cell < kCells; ++cell) {
    const auto share_below = [](int c) { return std::pow(c / double{kCells}, 1.0 / kSkew); };
    const double persons = size / kCells;
    const double chance = (share_below(cell + 1) - share_below(cell)) / persons;
    distinct += persons * -std::expm1(-sessions * chance);
  }
  return distinct;
}

std::size_t draw_places(Random& random) {
  const double u = random.uniform();
  return u < 0.55 ? 1 : u < 0.85 ? 2 : 3;
}

std::string_view phone_agent(Random& random) {
  return random.chance(kAppShare) ? shop_app(random) : phone_browser(random);
}

}  // namespace

Text user_name(std::uint32_t user) {
  Text text;
  text << "u" << std::uint64_t{kFirstUser} + user;
  return text;
}

Customers::Customers(double scale, const AddressBook& addresses, Random random)
    : addresses_(addresses), random_(random) {
  const auto crowd = [&](double at_scale_1, double renewal_days) {
    const std::uint32_t size = crowd_size(at_scale_1, scale);
    return Crowd{size, renewal_days, std::vector<Line>(size)};
  };
  homes_ = crowd(kUsers, 60);
  phones_ = crowd(kUsers, 30);
  guests_ = crowd(kGuests, 30);
  offices_ = crowd(1, 3650);
  sale_fans_ = crowd(kSaleFans, 60);
}

void Customers::begin_minute(UnixMinute minute, const PerEndpoint<double>& rates, bool sale) {
  minute_ = minute;
  sale_ = sale;
  const auto hour = static_cast<double>(minute % kDayMinutes) / 60.0;
  const bool weekday = minute_of_week(minute) < 5 * kDayMinutes;
  office_hours_ = weekday && hour >= 7.5 && hour < 17.0;
  // Premium customers work with the shop: they come by day.
  const double noon = (hour - 13.0) / 4.0;
  premium_share_ = 0.16 + (weekday ? 0.14 : 0.05) * std::exp(-0.5 * noon * noon);

  double member_rate = 0;
  double guest_rate = 0;
  for (const Endpoint e : kAllEndpoints) {
    const double member_share = needs_login(e) ? 1.0 : kMemberShareOfOpenPages;
    member_rate += rates[e] * member_share;
    guest_rate += rates[e] * (1.0 - member_share);
  }
  const auto places = [](double rate) {
    return std::max<std::size_t>(1, static_cast<std::size_t>(rate / kRequestsPerPlace + 0.5));
  };
  members_pool_.target = places(member_rate);
  guests_pool_.target = places(guest_rate);
  close_ended(members_pool_);
  close_ended(guests_pool_);
}

void Customers::close_ended(Pool& pool) {
  std::erase_if(pool.sessions, [&](const Session& s) { return s.end <= minute_; });
}

const Session& Customers::next_session(Endpoint endpoint, ClientLabels& fresh) {
  const bool member = needs_login(endpoint) || random_.chance(kMemberShareOfOpenPages);
  Pool& pool = member ? members_pool_ : guests_pool_;
  // A login usually is somebody new, so it may open a session before there is need for one.
  const std::size_t target =
      endpoint == Endpoint::login ? pool.target + pool.target / 4 : pool.target;
  if (pool.sessions.size() < target) {
    member ? start_member(fresh) : start_guest(fresh);
    return pool.sessions.back();
  }
  return pool.sessions[random_.below(pool.sessions.size())];
}

void Customers::start_member(ClientLabels& fresh) {
  if (sale_ && random_.chance(kSaleShare)) {
    open(members_pool_, sale_session(fresh), kSalePlaces);
  } else if (office_hours_ && random_.chance(kOfficeShare)) {
    open(members_pool_, office_session(fresh), draw_places(random_));
  } else {
    open(members_pool_, home_session(fresh), draw_places(random_));
  }
}

void Customers::start_guest(ClientLabels& fresh) {
  Session session;
  session.client =
      client_of_line(guests_, skewed(guests_.size, random_), ClientKind::visitor, fresh);
  session.agent = random_.chance(0.5) ? desktop_browser(random_) : phone_browser(random_);
  open(guests_pool_, session, draw_places(random_));
}

Session Customers::home_session(ClientLabels& fresh) {
  // Premium users are every fifth of the row, so that tier and activity are independent.
  const bool premium = random_.chance(premium_share_);
  const std::uint32_t group = skewed(homes_.size, random_) / kPremiumEvery * kPremiumEvery;
  const auto within =
      premium ? 0U : 1U + static_cast<std::uint32_t>(random_.below(kPremiumEvery - 1));
  const std::uint32_t person = std::min(group + within, homes_.size - 1);
  const bool phone = random_.chance(kPhoneShare);
  Session session;
  session.client = client_of_line(phone ? phones_ : homes_, person, ClientKind::customer, fresh);
  session.member = true;
  session.user = person;
  session.premium = person % kPremiumEvery == 0;
  session.agent = phone ? phone_agent(random_) : desktop_browser(random_);
  return session;
}

Session Customers::office_session(ClientLabels& fresh) {
  const auto office = static_cast<std::uint32_t>(random_.below(offices_.size));
  const auto colleague = static_cast<std::uint32_t>(random_.below(kStaff));
  Session session;
  session.client = client_of_line(offices_, office, ClientKind::office, fresh);
  session.member = true;
  session.user = homes_.size + sale_fans_.size + office * kStaff + colleague;
  session.premium = colleague % 3 == 0;
  session.agent = desktop_browser(random_);
  return session;
}

Session Customers::sale_session(ClientLabels& fresh) {
  const auto fan = static_cast<std::uint32_t>(random_.below(sale_fans_.size));
  Session session;
  session.client = client_of_line(sale_fans_, fan, ClientKind::sale_customer, fresh);
  session.member = true;
  session.user = homes_.size + fan;
  session.agent = random_.chance(0.5) ? phone_agent(random_) : desktop_browser(random_);
  return session;
}

Client Customers::client_of_line(Crowd& crowd, std::uint32_t person, ClientKind kind,
                                 ClientLabels& fresh) {
  // Lines are renewed one after the other, not all on one day.
  const double age = static_cast<double>(minute_) / double{kDayMinutes} / crowd.renewal_days +
                     static_cast<double>(person % 997) / 997.0;
  const auto period = 1 + static_cast<std::uint32_t>(age);
  Line& line = crowd.lines[person];
  const bool renewed = line.period != period;
  if (renewed) line = {next_line_++, period};
  const Client client = addresses_.household(line.number);
  if (renewed) fresh.push_back({client, kind});
  return client;
}

void Customers::open(Pool& pool, Session session, std::size_t places) {
  const double minutes = std::clamp(kMeanMinutes * random_.exponential(), 1.0, 45.0);
  session.end = minute_ + 1 + static_cast<std::int64_t>(minutes);
  pool.sessions.insert(pool.sessions.end(), places, session);
}

double Customers::expected_clients(double days, double member_requests_per_day,
                                   double guest_requests_per_day) const {
  const double members = days * member_requests_per_day / kRequestsPerSession;
  const double guests = days * guest_requests_per_day / kRequestsPerSession;
  const auto seen = [&](const Crowd& crowd, double sessions) {
    const double periods = 1.0 + days / crowd.renewal_days;
    return periods * expected_distinct(crowd.size, sessions / periods);
  };
  return seen(homes_, members * (1.0 - kPhoneShare)) + seen(phones_, members * kPhoneShare) +
         seen(guests_, guests) + offices_.size;
}

}  // namespace tidelimit::synthetic
