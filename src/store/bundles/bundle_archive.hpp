#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/bundle.hpp"

/// The bundles that were in force before, beside the one that is: FOLDER.past/VERSION. The newest
/// kKeptBundles stay. A gate that retrains and an operator may both write: see BundleLock.
namespace tidelimit::store {

inline constexpr std::size_t kKeptBundles = 5;

/// As long as it lives, no other process or thread replaces the bundle or sets a hold: what was
/// looked at is what is replaced. Waits `patience` for whoever has it, and then goes on without, as
/// on a file system that has no locks: there, one writer at a time, please.
class BundleLock {
 public:
  explicit BundleLock(std::filesystem::path folder,
                      std::chrono::milliseconds patience = std::chrono::seconds{10});
  ~BundleLock();
  BundleLock(const BundleLock&) = delete;
  BundleLock& operator=(const BundleLock&) = delete;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  int fd_;  ///< of the folder above, which outlives every bundle in it
};

/// As write_bundle, and keeps the bundle that it replaces. One that can't be read is not kept.
[[nodiscard]] Result<void> replace_bundle(const BundleLock& lock, const model::Bundle& bundle);
[[nodiscard]] Result<void> replace_bundle(const std::filesystem::path& folder,
                                          const model::Bundle& bundle);

struct KeptBundle {
  model::Manifest manifest;  ///< of a damaged one its version alone, of one in force nothing
  bool in_force = false;
  std::string damage{};  ///< why it can't be read; empty: it can
  std::string misfit{};  ///< model::shape_misfit()
};

/// The one in force first, then those before it, the last replaced first. The error that reading
/// the one in force gives, when there is no bundle at all. `of_gate`: what its gate forecasts with;
/// null: not known, and nothing is a misfit.
[[nodiscard]] Result<std::vector<KeptBundle>> kept_bundles(
    const std::filesystem::path& folder, const forecast::Shape* of_gate = nullptr);

/// Puts a kept bundle in force again, keeps the present one, and holds on to it: see held().
/// Errors: not_found with the versions that there are.
[[nodiscard]] Result<void> return_to(const std::filesystem::path& folder,
                                     const std::string& version);

/// Whether the bundle in force was chosen by hand, so that no retraining may replace it.
[[nodiscard]] bool held(const std::filesystem::path& folder);
[[nodiscard]] Result<void> set_held(const std::filesystem::path& folder, bool hold);

}  // namespace tidelimit::store
