#include "ingest/synthetic/attackers.hpp"

#include <algorithm>

namespace tidelimit::synthetic {
namespace {

constexpr std::array<ClientKind, kAttackKinds> kKinds{
    ClientKind::flood,        ClientKind::credential_stuffing, ClientKind::scraper,
    ClientKind::path_scanner, ClientKind::card_testing,        ClientKind::api_tool};
// How often each comes up in a deck of twenty; floods are rare, being loud.
constexpr std::array<std::size_t, kAttackKinds> kCopies{2, 4, 3, 4, 4, 3};

/// The last attacker starts this long before the end, so that each has the time to be caught.
constexpr std::int64_t kLastStart = 90;

void shuffle(std::vector<ClientKind>& deck, std::size_t from, Random& random) {
  for (std::size_t i = deck.size() - 1; i > from; --i) {
    std::swap(deck[i], deck[from + random.below(i - from + 1)]);
  }
}

std::int64_t end_of(const Attacker::Visit& visit) {
  return visit.first + visit.minutes;
}

UnixMinute last_minute(const Attacker& attacker) {
  UnixMinute last = 0;
  for (const auto& visit : attacker.visits) last = std::max(last, end_of(visit));
  return last;
}

}  // namespace

Attackers::Attackers(std::uint64_t clients, UnixMinute start, UnixMinute end,
                     const AddressBook& addresses, Random random)
    : addresses_(addresses), random_(random), clients_(clients), start_(start) {
  const std::int64_t total = end - start;
  usable_minutes_ = std::max({total - kLastStart, total / 2, std::int64_t{1}});
  next_start_ = draw_start();
}

UnixMinute Attackers::draw_start() {
  const double share = (static_cast<double>(next_client_) + random_.uniform()) /
                       static_cast<double>(std::max<std::uint64_t>(clients_, 1));
  return start_ + static_cast<std::int64_t>(share * static_cast<double>(usable_minutes_));
}

ClientKind Attackers::draw_kind() {
  if (deck_.empty()) {
    for (std::size_t i = 0; i < kAttackKinds; ++i) deck_.push_back(kKinds[i]);
    for (std::size_t i = 0; i < kAttackKinds; ++i) {
      deck_.insert(deck_.end(), kCopies[i] - 1, kKinds[i]);
    }
    shuffle(deck_, first_deck_ ? kAttackKinds : 0, random_);
    std::reverse(deck_.begin(), deck_.end());  // dealt from the back
    first_deck_ = false;
  }
  const ClientKind kind = deck_.back();
  deck_.pop_back();
  return kind;
}

void Attackers::begin_campaigns(UnixMinute minute) {
  while (next_client_ < clients_ && next_start_ <= minute) {
    const ClientKind kind = draw_kind();
    // Card testers share the work over several servers of one prefix; the others come alone, half
    // of them from hijacked lines among good neighbours.
    const bool shared = kind == ClientKind::card_testing;
    const std::uint64_t group =
        shared ? std::min<std::uint64_t>(2 + random_.below(5), clients_ - next_client_) : 1;
    const bool rented = shared || random_.chance(0.5);
    const std::uint32_t rack = next_rack_;
    if (rented) ++next_rack_;
    for (std::uint64_t i = 0; i < group; ++i) {
      const auto number = static_cast<std::uint32_t>(next_client_++);
      const Client client = rented ? addresses_.server(rack, static_cast<std::uint32_t>(i))
                                   : addresses_.hijacked(number);
      active_.push_back(make_attacker(kind, client, minute, random_.fork(number)));
    }
    next_start_ = draw_start();
  }
}

void Attackers::emit(UnixMinute minute, Batch& batch, ClientLabels& fresh) {
  begin_campaigns(minute);
  std::erase_if(active_, [&](const Attacker& a) { return last_minute(a) <= minute; });
  for (Attacker& attacker : active_) {
    for (const auto& v : attacker.visits) {
      if (v.first <= minute && minute < end_of(v)) visit(attacker, batch, fresh);
    }
  }
}

void Attackers::visit(Attacker& attacker, Batch& batch, ClientLabels& fresh) {
  const std::uint64_t asked = attacker.random.poisson(attacker.rate);
  for (std::uint64_t i = 0; i < asked; ++i) {
    if (!attacker.seen) fresh.push_back({attacker.client, attacker.kind});
    attacker.seen = true;
    traffic::Request& request = batch.add(attacker.random.below(60'000));
    request.client = attacker.client.id;
    request.client_name = batch.keep(attacker.client.name());
    write_attack(attacker, batch, request);
    ++attacker.steps;
  }
}

}  // namespace tidelimit::synthetic
