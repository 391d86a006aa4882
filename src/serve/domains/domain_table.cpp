#include "serve/domains/domain_table.hpp"

#include <algorithm>

#include "base/structured_field.hpp"
#include "base/wildcard.hpp"

namespace tidelimit::serve {

const DomainLevel::Entry* DomainLevel::find(std::string_view key,
                                            std::string_view value) const noexcept {
  const auto values = keys_.find(key);
  if (values == keys_.end()) return nullptr;
  const Values& known = values->second;
  if (const auto exact = known.exact.find(value); exact != known.exact.end()) return &exact->second;
  for (const auto& [pattern, entry] : known.patterns)
    if (wildcard_match(pattern, value, std::equal_to<char>())) return &entry;
  return known.any.get();
}

DomainTable::DomainTable(const std::vector<config::DescriptorFile>& files,
                         limiter::Counting counting, const DomainTable* before)
    : counting_(counting) {
  for (const config::DescriptorFile& file : files)
    add(domains_[file.domain], file.domain, "", file.descriptors, before);
}

const DomainLevel* DomainTable::find(std::string_view domain) const noexcept {
  const auto found = domains_.find(domain);
  return found == domains_.end() ? nullptr : &found->second;
}

std::vector<RuleTally> DomainTable::tallies() const {
  std::vector<RuleTally> all;
  for (const auto& [label, counts] : counts_) {
    RuleTally tally{label.first, label.second, watched_.contains(label), {}, 0};
    counts->read(tally);
    const bool met = std::any_of(tally.outcomes.begin(), tally.outcomes.end(),
                                 [](std::uint64_t count) { return count != 0; });
    if (met) all.push_back(std::move(tally));
  }
  return all;
}

limiter::Limit DomainTable::limit_of(std::uint64_t requests, Nanos period) const {
  return counting_ == limiter::Counting::gcra ? limiter::gcra_limit(requests, period)
                                              : limiter::window_limit(requests, period);
}

void DomainTable::add(DomainLevel& level, const std::string& domain, const std::string& above,
                      const std::vector<config::Descriptor>& descriptors,
                      const DomainTable* before) {
  for (const config::Descriptor& descriptor : descriptors) {
    const std::string label = (above.empty() ? "" : above + " > ") + config::describe(descriptor);
    DomainLevel::Entry entry;
    entry.rule = make_rule(descriptor, {domain, label}, before);
    if (descriptor.share_threshold) entry.shared_value = descriptor.value;
    if (!descriptor.descriptors.empty()) {
      entry.nested = std::make_unique<DomainLevel>();
      add(*entry.nested, domain, label, descriptor.descriptors, before);
    }
    DomainLevel::Values& values = level.keys_[descriptor.key];
    if (descriptor.value.empty()) {
      values.any = std::make_unique<DomainLevel::Entry>(std::move(entry));
    } else if (descriptor.wildcard()) {
      values.patterns.emplace_back(descriptor.value, std::move(entry));
    } else {
      values.exact.emplace(descriptor.value, std::move(entry));
    }
  }
}

DomainRule DomainTable::make_rule(const config::Descriptor& descriptor, const Label& label,
                                  const DomainTable* before) {
  DomainRule rule;
  rule.number = ++rules_;
  rule.watched = descriptor.shadow_mode;
  if (rule.watched) watched_.insert(label);
  if (!descriptor.limit) return rule;
  const config::DescriptorLimit& limit = *descriptor.limit;
  rule.kind = limit.unlimited ? DomainRule::Kind::unlimited : DomainRule::Kind::limited;
  rule.name = limit.name;
  rule.item = structured_string(limit.name.empty() ? label.second : limit.name);
  rule.replaces = limit.replaces;
  std::shared_ptr<RuleCounts>& counts = counts_[label];
  if (counts == nullptr && before != nullptr) {
    const auto known = before->counts_.find(label);
    if (known != before->counts_.end()) counts = known->second;
  }
  if (counts == nullptr) counts = std::make_shared<RuleCounts>();
  rule.counts = counts;
  if (limit.unlimited) return rule;
  rule.requests_per_unit = limit.requests_per_unit;
  rule.unit = limit.unit;
  rule.limit = limit_of(limit.requests_per_unit, config::period_of(limit.unit));
  return rule;
}

}  // namespace tidelimit::serve
