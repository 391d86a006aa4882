#pragma once

#include "base/random.hpp"
#include "ingest/synthetic/batch.hpp"
#include "ingest/synthetic/labels.hpp"
#include "ingest/synthetic/pages.hpp"

namespace tidelimit::synthetic {

/// Good clients that look odd: two uptime monitors, search crawlers that declare themselves (a
/// trickle all day, a crawl from two to half past four), partners' nightly batches. They are part
/// of demand, and their laws are known to the floors.
class Services {
 public:
  Services(double scale, const AddressBook& addresses, Random random);

  /// Expected requests of the crawlers in the window that starts at `start`.
  [[nodiscard]] double steady(Endpoint endpoint, UnixMinute start) const;
  /// Requests of monitors and partners in that window, exactly.
  [[nodiscard]] double fixed(Endpoint endpoint, UnixMinute start) const;

  /// Writes what they ask in that minute and adds it to `counts`.
  void emit(UnixMinute minute, const Weather& weather, Batch& batch, PerEndpoint<double>& counts,
            ClientLabels& fresh);

  [[nodiscard]] std::size_t clients() const {
    return monitors_.size() + crawlers_.size() + partners_.size();
  }

 private:
  struct Service {
    Client client;
    bool seen = false;
  };

  void emit_monitors(UnixMinute minute, const Weather& weather, Batch& batch,
                     PerEndpoint<double>& counts, ClientLabels& fresh);
  void emit_crawlers(UnixMinute minute, const Weather& weather, Batch& batch,
                     PerEndpoint<double>& counts, ClientLabels& fresh);
  void emit_partners(UnixMinute minute, Batch& batch, PerEndpoint<double>& counts,
                     ClientLabels& fresh);
  [[nodiscard]] double crawl_rate(Endpoint endpoint, UnixMinute minute) const;
  [[nodiscard]] bool batch_runs(std::size_t partner, UnixMinute minute) const;
  traffic::Request& request_of(Service& service, ClientKind kind, std::uint64_t millisecond,
                               Batch& batch, ClientLabels& fresh);

  double scale_;
  Random random_;
  std::vector<Service> monitors_;
  std::vector<Service> crawlers_;
  std::vector<Service> partners_;
  std::uint64_t partner_pace_;  ///< requests a minute of a running batch
};

}  // namespace tidelimit::synthetic
