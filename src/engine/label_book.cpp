#include "engine/label_book.hpp"

#include <algorithm>

namespace tidelimit::engine {

policy::Label LabelBook::as_label(const LabelRecord& record) {
  return {.client = parse_client(record.target).value_or(ClientId{}),
          .malicious = record.malicious,
          .by = record.by,
          .reason = record.reason,
          .made_at = record.made_at,
          .until = record.until};
}

void LabelBook::put(const LabelRecord& record, Now now) {
  erase(record.target);
  ends_.set(record.target, record.until, now);
  records_.push_back(record);
}

bool LabelBook::erase(const std::string& target) {
  ends_.erase(target);
  return std::erase_if(records_, [&](const auto& r) { return r.target == target; }) > 0;
}

std::vector<LabelRecord> LabelBook::expire(Instant now) {
  std::vector<LabelRecord> ended;
  for (const std::string& target : ends_.past(now)) {
    if (const LabelRecord* record = find(target)) ended.push_back(*record);
    erase(target);
  }
  return ended;
}

void LabelBook::restate(Now now) {
  for (auto& record : records_) record.until = ends_.until(record.target, now);
}

const LabelRecord* LabelBook::find(const std::string& target) const {
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [&](const auto& r) { return r.target == target; });
  return found == records_.end() ? nullptr : &*found;
}

}  // namespace tidelimit::engine
