#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ingest/synthetic/address_book.hpp"

namespace tidelimit::synthetic {

/// What a client is; from `flood` on, malicious.
enum class ClientKind : std::uint8_t {
  customer,       ///< a registered user at home or on the phone
  visitor,        ///< not logged in
  office,         ///< forty users behind one address
  sale_customer,  ///< comes for the sale and clicks fast
  monitor,        ///< uptime checks, every minute, day and night
  crawler,        ///< a search engine that says so
  partner,        ///< a nightly batch
  flood,
  credential_stuffing,
  scraper,
  path_scanner,
  card_testing,  ///< low and slow, from several addresses of one prefix
  api_tool,      ///< Postman, with many errors
};

inline constexpr std::size_t kAttackKinds = 6;

/// "card_testing"
[[nodiscard]] const char* name_of(ClientKind kind);
[[nodiscard]] constexpr bool is_malicious(ClientKind kind) {
  return kind >= ClientKind::flood;
}

struct ClientLabel {
  Client client;
  ClientKind kind = ClientKind::customer;
};

/// Clients in the order of their first request.
using ClientLabels = std::vector<ClientLabel>;

/// As commands read labels: "198.51.100.66,1,flood" under this header.
inline constexpr char kLabelsHeader[] = "client_ip,label,kind\n";
void append_csv(const ClientLabel& label, std::string& out);

}  // namespace tidelimit::synthetic
