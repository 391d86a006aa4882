#include "serve/notes.hpp"

#include <spdlog/spdlog.h>

namespace tidelimit::serve {

bool Notes::set(const std::string& part, const std::string& words) {
  {
    std::lock_guard lock(mutex_);
    std::string& kept = words_[part];
    if (kept == words) return false;
    kept = words;
  }
  spdlog::warn("{}: {}", part, words);
  return true;
}

bool Notes::clear(const std::string& part) {
  {
    std::lock_guard lock(mutex_);
    if (words_.erase(part) == 0) return false;
  }
  spdlog::info("{}: well again", part);
  return true;
}

std::string Notes::of(const std::string& part) const {
  std::lock_guard lock(mutex_);
  const auto found = words_.find(part);
  return found == words_.end() ? std::string() : part + ": " + found->second;
}

std::vector<std::string> Notes::all() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [part, words] : words_) all.push_back(part + ": " + words);
  return all;
}

}  // namespace tidelimit::serve
