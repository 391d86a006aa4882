#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/random.hpp"
#include "cli/quickstart/past.hpp"
#include "cli/quickstart/scenario.hpp"
#include "serve/http/client.hpp"
#include "serve/net/clock.hpp"

namespace tidelimit::cli::quickstart {

/// The account of attackers who are no part of the play.
inline constexpr char kOtherAttackers[] = "other attackers";

/// What one group of clients asked for and got.
struct Account {
  std::uint64_t asked = 0;
  std::uint64_t served = 0;
  std::map<std::string, std::uint64_t> denied;  ///< by reason
};

/// The shop's customers and the cast, live: each request asks the gate (as a gateway would, by
/// POST /v1/check), goes to the shop if it may, and is reported to the gate with the shop's status.
/// One thread of its own; all over real sockets.
class DemoClients {
 public:
  struct Places {
    std::uint16_t gate = 0;
    std::uint16_t shop = 0;
  };

  /// `past.traffic` goes on from where the past ends.
  DemoClients(const Scenario& scenario, Past past, const Places& places, const serve::Clock& clock);
  ~DemoClients();
  DemoClients(const DemoClients&) = delete;
  DemoClients& operator=(const DemoClients&) = delete;

  void start();
  void stop();

  /// By cast member's name; "customers PRM" and "customers STD" are the shop's own, and
  /// "other attackers" those who come every day.
  [[nodiscard]] std::map<std::string, Account> accounts() const;
  /// The first thing that went wrong on the wire, if any did.
  [[nodiscard]] std::optional<std::string> trouble() const;

 private:
  /// A member of the cast and its next call.
  struct Part {
    const CastMember* member;
    Random random;
    WallTime next{};
    WallTime spree_began{};
    std::size_t calls = 0;
  };

  void run();
  [[nodiscard]] bool next_customer(traffic::Request& request);
  [[nodiscard]] std::string who_is(const traffic::Request& request) const;
  void advance(Part& part) const;
  void play(Part& part);
  void send(const traffic::Request& request, const std::string& who);
  void report(const traffic::Request& request, int status);
  void flush_reports();
  void note_trouble(const Error& error);
  [[nodiscard]] bool wait_until(WallTime time);

  const Scenario& scenario_;
  synthetic::SyntheticTraffic customers_;
  std::unordered_set<ClientId, ClientIdHash> attackers_;  ///< among the customers
  const serve::Clock& clock_;
  serve::HttpSession gate_;
  serve::HttpSession shop_;
  std::vector<Part> parts_;
  std::string reports_;  ///< the objects of the next POST /v1/report
  std::size_t report_count_ = 0;

  mutable std::mutex mutex_;
  std::map<std::string, Account> accounts_;  ///< guarded by mutex_
  std::optional<std::string> trouble_;       ///< guarded by mutex_
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace tidelimit::cli::quickstart
