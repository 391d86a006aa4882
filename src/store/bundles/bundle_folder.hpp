#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/bundle.hpp"

namespace tidelimit::store {

/// Puts the bundle at `folder` as a whole: written and synced beside it, then swapped in, so that a
/// reader, or a crash at any moment, finds the old bundle or the new one. An existing folder that
/// is no bundle is left alone, with an error.
[[nodiscard]] Result<void> write_bundle(const std::filesystem::path& folder,
                                        const model::Bundle& bundle);

/// Whether write_bundle() would find a place there: to be asked before long work. Leaves nothing.
[[nodiscard]] Result<void> check_bundle_place(const std::filesystem::path& folder);

/// Reads and checks a bundle. All files are read through one open folder: a bundle that is being
/// replaced meanwhile gives the old one or the new one, never a mix. Errors name the folder.
[[nodiscard]] Result<model::Bundle> read_bundle(const std::filesystem::path& folder);

/// The models that a configuration names.
struct Models {
  std::shared_ptr<const model::Bundle> bundle;  ///< not null; its manifest tells each one's version
  std::vector<std::string> warnings;            ///< for people: which folder gave none
};

/// Whether each model has a folder of its own.
[[nodiscard]] bool two_folders(const std::filesystem::path& forecast,
                               const std::filesystem::path& anomaly);

/// What of two folders one that is damaged or foreign is.
enum class Damaged : std::uint8_t { error, left_out };

/// The forecaster of one folder and the detector of another, or both of one; an empty path names
/// none. What is not there yet is left out with a warning, or taken from `running`, which may be
/// null. A bundle that is damaged or foreign is an error, or is treated likewise.
[[nodiscard]] Result<Models> read_models(const std::filesystem::path& forecast,
                                         const std::filesystem::path& anomaly,
                                         const model::Bundle* running = nullptr,
                                         Damaged damaged = Damaged::error);

/// Changes whenever the folder's bundle does (inode, size and time of each file); empty when there
/// is none. A few stat calls: cheap enough to ask every second.
[[nodiscard]] std::string bundle_fingerprint(const std::filesystem::path& folder);

}  // namespace tidelimit::store
