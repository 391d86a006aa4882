#include "engine/label_book.hpp"

#include <algorithm>
#include <iterator>

namespace tidelimit::engine {

Result<ClientId> LabelBook::client_named(const std::string& target) {
  std::string_view text = target;
  if (text.ends_with("/64")) text.remove_suffix(3);  // as format_client writes IPv6 clients
  const auto address = parse_address(text);
  if (!address) return fail(Code::invalid_argument, "a label is on one IP address");
  return client_of(*address);
}

policy::Label LabelBook::as_label(const LabelRecord& record) {
  return {.client = client_named(record.target).value_or(ClientId{}),
          .malicious = record.malicious,
          .by = record.by,
          .reason = record.reason,
          .made_at = record.made_at,
          .until = record.until};
}

void LabelBook::put(const LabelRecord& record) {
  erase(record.target);
  records_.push_back(record);
}

bool LabelBook::erase(const std::string& target) {
  return std::erase_if(records_, [&](const auto& r) { return r.target == target; }) > 0;
}

std::vector<LabelRecord> LabelBook::expire(WallTime now) {
  std::vector<LabelRecord> ended;
  std::copy_if(records_.begin(), records_.end(), std::back_inserter(ended),
               [&](const auto& r) { return r.until && *r.until <= now; });
  for (const auto& record : ended) erase(record.target);
  return ended;
}

WallTime LabelBook::next_end() const {
  WallTime next = WallTime::max();
  for (const auto& record : records_) next = std::min(next, record.until.value_or(next));
  return next;
}

const LabelRecord* LabelBook::find(const std::string& target) const {
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [&](const auto& r) { return r.target == target; });
  return found == records_.end() ? nullptr : &*found;
}

}  // namespace tidelimit::engine
