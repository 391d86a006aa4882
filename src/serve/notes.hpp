#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace tidelimit::serve {

/// What is not as it should be, by part, in words: one log line when it begins and one when it
/// ends, and the list that /readyz?verbose shows. Thread-safe.
class Notes {
 public:
  /// Whether that is new.
  bool set(const std::string& part, const std::string& words);
  /// Whether there was a note.
  bool clear(const std::string& part);
  /// "part: words"; empty: there is no note.
  [[nodiscard]] std::string of(const std::string& part) const;
  [[nodiscard]] std::vector<std::string> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> words_;  ///< guarded by mutex_
};

}  // namespace tidelimit::serve
