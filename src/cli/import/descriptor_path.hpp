#pragma once

#include <array>
#include <string>
#include <vector>

#include "cli/import/key_words.hpp"
#include "cli/import/translation.hpp"

namespace tidelimit::cli {

/// A descriptor that says how its request is limited, with those it is nested in.
struct DescriptorPath {
  Origin origin;
  std::vector<const config::Descriptor*> levels;  ///< outermost first; not empty
  std::array<const config::Descriptor*, kWords> words{};

  [[nodiscard]] const config::Descriptor& last() const { return *levels.back(); }
  [[nodiscard]] const config::Descriptor* word(Word which) const {
    return words[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] bool has(Word which) const { return word(which) != nullptr; }
  [[nodiscard]] bool by_address() const {
    return has(Word::remote_address) || has(Word::masked_remote_address);
  }
};

/// Reads what descriptors say of a request, and remarks on what has no equivalent whatever the
/// limit's place is.
class PathReader {
 public:
  PathReader(const KeyWords& words, std::vector<Remark>& remarks)
      : words_(words), remarks_(remarks) {}

  /// Sets `words` of the path. False where it can't be translated, which was then remarked.
  [[nodiscard]] bool read(DescriptorPath& path);
  /// By which key each word was said; empty: by none.
  [[nodiscard]] const std::array<std::string, kWords>& keys() const { return keys_; }

 private:
  void remark_extras(const DescriptorPath& path);
  [[nodiscard]] bool read_words(DescriptorPath& path);
  [[nodiscard]] bool has_place(const DescriptorPath& path);
  [[nodiscard]] bool has_tier(const DescriptorPath& path);
  void remark(const DescriptorPath& path, std::string what, std::string mend) {
    remarks_.push_back({path.origin, std::move(what), std::move(mend)});
  }

  const KeyWords& words_;
  std::vector<Remark>& remarks_;
  std::array<std::string, kWords> keys_;
};

}  // namespace tidelimit::cli
