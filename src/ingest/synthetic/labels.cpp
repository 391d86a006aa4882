#include "ingest/synthetic/labels.hpp"

namespace tidelimit::synthetic {

const char* name_of(ClientKind kind) {
  switch (kind) {
    case ClientKind::customer:
      return "customer";
    case ClientKind::visitor:
      return "visitor";
    case ClientKind::office:
      return "office";
    case ClientKind::sale_customer:
      return "sale_customer";
    case ClientKind::monitor:
      return "monitor";
    case ClientKind::crawler:
      return "crawler";
    case ClientKind::partner:
      return "partner";
    case ClientKind::flood:
      return "flood";
    case ClientKind::credential_stuffing:
      return "credential_stuffing";
    case ClientKind::scraper:
      return "scraper";
    case ClientKind::path_scanner:
      return "path_scanner";
    case ClientKind::card_testing:
      return "card_testing";
    case ClientKind::api_tool:
      return "api_tool";
  }
  return "unknown";
}

void append_csv(const ClientLabel& label, std::string& out) {
  out += label.client.name();
  out += is_malicious(label.kind) ? ",1," : ",0,";
  out += name_of(label.kind);
  out += '\n';
}

}  // namespace tidelimit::synthetic
