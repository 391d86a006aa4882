#include "engine/label_book.hpp"

namespace tidelimit::engine {

policy::Label LabelBook::as_label(const LabelRecord& record) {
  return {.client = parse_client(record.target).value_or(ClientId{}),
          .malicious = record.malicious,
          .by = record.by,
          .reason = record.reason,
          .made_at = record.made_at,
          .until = record.until};
}

}  // namespace tidelimit::engine
