#pragma once

#include <vector>

#include "base/random.hpp"
#include "ingest/synthetic/batch.hpp"
#include "ingest/synthetic/demand.hpp"
#include "ingest/synthetic/labels.hpp"

namespace tidelimit::synthetic {

/// Somebody at a screen for a few minutes.
struct Session {
  Client client;
  bool member = false;  ///< logged in, as `user`
  std::uint32_t user = 0;
  bool premium = false;
  std::string_view agent;
  UnixMinute end = 0;
};

/// Who the customers are, and who of them asks next.
///
/// Demand comes first: how many requests an endpoint gets in a minute is drawn from its rate, and
/// each is handed to one of the sessions that are open. As many are open as the rate keeps busy at
/// a person's pace, so nobody good goes near a hundred a minute, and the counts stay exactly
/// Poisson. Memory: eight bytes per person and device; persons grow with scale up to four million.
class Customers {
 public:
  Customers(double scale, const AddressBook& addresses, Random random);

  /// Closes sessions that are over and sets how many the rates (requests a minute) keep busy.
  void begin_minute(UnixMinute minute, const PerEndpoint<double>& rates, bool sale);

  /// The session that makes this request. Valid until the next call. Clients never seen before are
  /// appended to `fresh`.
  [[nodiscard]] const Session& next_session(Endpoint endpoint, ClientLabels& fresh);

  /// How many distinct clients `days` days of this demand show, about.
  [[nodiscard]] double expected_clients(double days, double member_requests_per_day,
                                        double guest_requests_per_day) const;

 private:
  /// The line of a person's device; it changes its address every few weeks.
  struct Line {
    std::uint32_t number = 0;
    std::uint32_t period = 0;  ///< 0: never used
  };
  struct Crowd {
    std::uint32_t size = 0;
    double renewal_days = 30;
    std::vector<Line> lines;
  };
  struct Pool {
    std::vector<Session> sessions;  ///< a busy one stands in it several times
    std::size_t target = 1;
  };

  void start_member(ClientLabels& fresh);
  void start_guest(ClientLabels& fresh);
  [[nodiscard]] Session office_session(ClientLabels& fresh);
  [[nodiscard]] Session sale_session(ClientLabels& fresh);
  [[nodiscard]] Session home_session(ClientLabels& fresh);
  [[nodiscard]] Client client_of_line(Crowd& crowd, std::uint32_t person, ClientKind kind,
                                      ClientLabels& fresh);
  void open(Pool& pool, Session session, std::size_t places);
  void close_ended(Pool& pool);

  const AddressBook& addresses_;
  Random random_;
  UnixMinute minute_ = 0;
  double premium_share_ = 0.2;
  bool sale_ = false;
  bool office_hours_ = false;
  std::uint32_t next_line_ = 0;

  Crowd homes_;      ///< of registered users; one in five is premium
  Crowd phones_;     ///< of the same users
  Crowd guests_;     ///< not logged in
  Crowd offices_;    ///< one line each
  Crowd sale_fans_;  ///< registered too
  Pool members_pool_;
  Pool guests_pool_;
};

/// Whether a request of this endpoint needs a login; the other endpoints are half and half.
[[nodiscard]] constexpr bool needs_login(Endpoint endpoint) {
  return endpoint != Endpoint::browse && endpoint != Endpoint::search;
}
inline constexpr double kMemberShareOfOpenPages = 0.5;

/// "u104233"
[[nodiscard]] Text user_name(std::uint32_t user);

}  // namespace tidelimit::synthetic
