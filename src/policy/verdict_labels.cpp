#include <fmt/format.h>

#include "policy/consequence.hpp"
#include "policy/verdict_book.hpp"

namespace tidelimit::policy {
namespace {

using limiter::VerdictKind;

/// How long a label without an end is said to last.
constexpr Nanos kNoEnd = std::chrono::hours{24 * 3650};

constexpr const char* kAllowListed = "allow-listed: reported only";

std::string in_words(const Label& label) {
  std::string words = "labelled malicious by " + label.by;
  if (!label.reason.empty()) words += ": " + label.reason;
  return words;
}

}  // namespace

void VerdictBook::label(const Label& label, Now now) {
  unlabel(label.client);
  labels_[label.client] = label;
  evidence_.erase(label.client);
  const auto judged = judged_.find(label.client);
  if (judged != judged_.end()) {
    // What the model found is overruled either way: the operator knows better.
    judged->second.model.reset();
    weigh_anew(judged->second);
    dirty_ = true;
  }
  if (label.malicious) {
    Held held;
    held.record.client = label.client;
    held.record.client_name = format_client(label.client);
    held.record.kind = VerdictKind::malicious;
    held.record.from = label.made_at;
    settle_label(held);
    held.duration = label.until ? *label.until - now.wall : kNoEnd;
    Judged& labelled = entry(label.client);
    labelled.label = std::move(held);
    weigh_anew(labelled);
    extend(*labelled.label, now);
    tell(*labelled.label, now, label.made_at < now.wall);  // older: told before a restart
  }
  drop_if_empty(label.client);
}

/// Who is on the allow-list passes whatever he is called: his label is told, and not enforced.
void VerdictBook::settle_label(Held& held) const {
  const ClientId& client = held.record.client;
  held.record.reasons = {in_words(labels_.at(client))};
  held.record.withheld = allowed(client) ? Withheld::allow_list : Withheld::no;
  settle(held, consequence_of(VerdictKind::malicious, settings_.rules, nullptr, patterns_));
  if (held.record.withheld != Withheld::no) held.record.reasons.emplace_back(kAllowListed);
}

void VerdictBook::unlabel(const ClientId& client) {
  if (labels_.erase(client) == 0) return;
  const auto judged = judged_.find(client);
  if (judged == judged_.end()) return;
  judged->second.label.reset();
  weigh_anew(judged->second);
  dirty_ = true;
  drop_if_empty(client);
}

bool VerdictBook::vouched_for(const ClientId& client) const {
  if (labels_.empty()) return false;
  const auto found = labels_.find(client);
  return found != labels_.end() && !found->second.malicious;
}

void VerdictBook::drop_if_empty(const ClientId& client) {
  const auto judged = judged_.find(client);
  if (judged != judged_.end() && judged->second.empty()) erase(client);
}

}  // namespace tidelimit::policy
