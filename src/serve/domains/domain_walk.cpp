#include "serve/domains/domain_walk.hpp"

namespace tidelimit::serve {

void DomainWalk::step(std::string_view key, std::string_view value) noexcept {
  entry_ = level_ == nullptr ? nullptr : level_->find(key, value);
  level_ = entry_ == nullptr ? nullptr : entry_->nested.get();
  const bool shared = entry_ != nullptr && !entry_->shared_value.empty();
  const std::string_view counted = shared ? std::string_view(entry_->shared_value) : value;
  key_ = limiter_.hash_key(counted, limiter_.hash_key(key, key_));
  unkeyed_ = hash_bytes(counted, hash_bytes(key, unkeyed_));
}

}  // namespace tidelimit::serve
