#include "store/bundles/bundle_archive.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "model/shape_misfit.hpp"
#include "store/bundles/bundle_folder.hpp"
#include "store/files/file.hpp"

namespace tidelimit::store {
namespace fs = std::filesystem;
namespace {

constexpr const char* kHeldName = "held";

/// "var/model/" names the same folder as "var/model".
fs::path named(const fs::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

/// The folder in which the bundle itself stands, by whichever name or link it is called.
fs::path above(const fs::path& folder) {
  std::error_code unknown;
  const fs::path real = fs::weakly_canonical(folder, unknown);
  return named(unknown ? folder : real).parent_path();
}

fs::path past_of(const fs::path& folder) {
  return named(folder).parent_path() / (named(folder).filename().string() + ".past");
}

/// A version names a folder of ours, and nothing above it.
bool is_version(const std::string& text) {
  return !text.empty() && text.front() != '.' && text.find('/') == std::string::npos;
}

/// Whether it is one, though perhaps a damaged one.
bool is_bundle(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / model::kManifestName, ignored);
}

struct Kept {
  fs::path folder;
  fs::file_time_type kept_at;
};

/// The last kept first.
std::vector<Kept> folders_in(const fs::path& past) {
  std::vector<Kept> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(past, ignored)) {
    if (!is_bundle(entry.path())) continue;
    const auto time = fs::last_write_time(entry.path() / model::kManifestName, ignored);
    found.push_back({entry.path(), time});
  }
  std::sort(found.begin(), found.end(), [](const Kept& a, const Kept& b) {
    return std::pair(b.kept_at, b.folder) < std::pair(a.kept_at, a.folder);
  });
  return found;
}

Result<void> keep(const fs::path& folder) {
  const auto present = read_bundle(folder);
  if (!present) return {};
  const fs::path past = past_of(folder);
  const fs::path place = past / present->manifest.version;
  if (auto written = write_bundle(place, *present); !written) return written;
  const auto kept = folders_in(past);
  std::error_code ignored;
  for (std::size_t i = kKeptBundles; i < kept.size(); ++i) fs::remove_all(kept[i].folder, ignored);
  return {};
}

Result<void> mark_held(const fs::path& folder) {
  const fs::path past = past_of(folder);
  if (auto made = make_folder(past); !made) return made;
  return write_file(past / kHeldName,
                    "chosen by hand; `tidelimit models --release` lets retraining go on\n");
}

}  // namespace

BundleLock::BundleLock(fs::path folder, std::chrono::milliseconds patience)
    : folder_(std::move(folder)),
      fd_(::open((above(folder_) / ".").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
}

BundleLock::~BundleLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> replace_bundle(const BundleLock& lock, const model::Bundle& bundle) {
  if (auto kept = keep(lock.folder()); !kept) return kept;
  return write_bundle(lock.folder(), bundle);
}

Result<void> replace_bundle(const fs::path& folder, const model::Bundle& bundle) {
  if (auto made = make_folder(above(folder)); !made) return made;  // which is what is locked
  return replace_bundle(BundleLock(folder), bundle);
}

Result<std::vector<KeptBundle>> kept_bundles(const fs::path& folder,
                                             const forecast::Shape* of_gate) {
  std::vector<KeptBundle> all;
  std::string running;
  const auto add = [&](model::Bundle&& bundle, bool in_force) {
    std::string misfit = of_gate != nullptr ? model::shape_misfit(bundle, *of_gate) : "";
    all.push_back({std::move(bundle.manifest), in_force, {}, std::move(misfit)});
  };
  auto present = read_bundle(folder);
  if (present) {
    running = present->manifest.version;
    add(*std::move(present), true);
  } else if (is_bundle(folder)) {
    all.push_back({{}, true, present.error().message});
  }
  for (const Kept& kept : folders_in(past_of(folder))) {
    auto bundle = read_bundle(kept.folder);
    if (!bundle) {
      model::Manifest named;
      named.version = kept.folder.filename().string();
      all.push_back({std::move(named), false, bundle.error().message});
    } else if (bundle->manifest.version != running) {
      add(*std::move(bundle), false);
    }
  }
  if (all.empty()) return tl::unexpected(present.error());
  return all;
}

Result<void> return_to(const fs::path& folder, const std::string& version) {
  const BundleLock lock(folder);
  const fs::path place = past_of(folder) / version;
  std::error_code ignored;
  if (!is_version(version) || !fs::exists(place, ignored)) {
    std::string known;
    for (const Kept& kept : folders_in(past_of(folder)))
      known += (known.empty() ? "" : ", ") + kept.folder.filename().string();
    return fail(Code::not_found, fmt::format("{}: no version {} is kept; there {}", folder.string(),
                                             version, known.empty() ? "are none" : "is " + known));
  }
  const auto bundle = read_bundle(place);
  if (!bundle) return tl::unexpected(bundle.error());
  if (auto done = replace_bundle(lock, *bundle); !done) return done;
  return mark_held(folder);
}

bool held(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(past_of(folder) / kHeldName, ignored);
}

Result<void> set_held(const fs::path& folder, bool hold) {
  const BundleLock lock(folder);
  if (hold) return mark_held(folder);
  const fs::path mark = past_of(folder) / kHeldName;
  std::error_code why;
  fs::remove(mark, why);
  return why ? fail_errno(mark, "release the model", why.value()) : Result<void>{};
}

}  // namespace tidelimit::store
