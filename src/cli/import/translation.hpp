#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rate.hpp"
#include "cli/import/key_words.hpp"
#include "config/descriptor_file.hpp"

namespace tidelimit::cli {

/// Where something stands, in the words of the files that were read.
struct Origin {
  std::filesystem::path file;
  int line = 0;
  std::string descriptor;  ///< "path=/login > user_id"
};

/// What has no equivalent, or not quite one, with the nearest mend.
struct Remark {
  Origin origin;
  std::string what;
  std::string mend;
};

/// One limit of an endpoint, and the descriptor it comes from.
struct DraftLimit {
  Origin origin;
  std::string said;          ///< "10 per minute", as the file has it
  std::optional<Rate> rate;  ///< none: unlimited
  std::uint64_t burst = 0;   ///< all that may come at once
  bool shadow = false;
  bool by_path = false;  ///< its descriptor names a path
  bool by_method = false;
};

/// An endpoint of the configuration to be.
struct DraftEndpoint {
  std::string name;
  std::string pattern;  ///< normalised; empty: `other`
  std::string method;   ///< empty: any
  // By tier; "" is every tier that has none of its own.
  std::map<std::string, DraftLimit> principal;
  std::map<std::string, DraftLimit> total;
  std::optional<DraftLimit> client;  ///< per address
  bool shadow = false;               ///< all of its limits are

  [[nodiscard]] const DraftLimit* principal_of(const std::string& tier) const;
  [[nodiscard]] const DraftLimit* total_of(const std::string& tier) const;
};

/// Descriptors of envoyproxy/ratelimit as endpoints, tiers and limits of tidelimit.
struct Translation {
  std::vector<config::DescriptorFile> files;
  std::vector<std::string> tiers;        ///< at least one; the most generous first
  std::string default_tier;              ///< the last one: of those that no descriptor names
  std::vector<DraftEndpoint> endpoints;  ///< in the order in which they match; `other` is the last
  std::array<std::string, kWords> keys;  ///< by which key each word is said; empty: by none
  std::vector<Remark> remarks;           ///< in the order of the files
};

/// Pure. What can be said in endpoints and tiers becomes that; of all else, and of what then means
/// something slightly else, a remark is made.
[[nodiscard]] Translation translate(std::vector<config::DescriptorFile> files,
                                    const KeyWords& words);

inline constexpr std::string_view kTranslationMark = "# Drawn by `tidelimit import-config`";
/// The configuration, with the remarks in comments. Valid.
[[nodiscard]] std::string translation_yaml(const Translation& translation);
/// "FILE:LINE: descriptor "…": what; mend", a line for each remark.
[[nodiscard]] std::string remarks_text(const Translation& translation);

}  // namespace tidelimit::cli
