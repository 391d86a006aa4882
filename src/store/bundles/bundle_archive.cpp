#include "store/bundles/bundle_archive.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "store/bundles/bundle_folder.hpp"
#include "store/files/file.hpp"

namespace tidelimit::store {
namespace fs = std::filesystem;
namespace {

constexpr const char* kHeldName = "held";

fs::path past_of(const fs::path& folder) {
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  return named.parent_path() / (named.filename().string() + ".past");
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

}  // namespace

Result<void> replace_bundle(const fs::path& folder, const model::Bundle& bundle) {
  if (auto kept = keep(folder); !kept) return kept;
  return write_bundle(folder, bundle);
}

Result<std::vector<KeptBundle>> kept_bundles(const fs::path& folder) {
  std::vector<KeptBundle> all;
  std::string running;
  auto present = read_bundle(folder);
  if (present) {
    running = present->manifest.version;
    all.push_back({std::move(present->manifest), true});
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
      all.push_back({std::move(bundle->manifest), false});
    }
  }
  if (all.empty()) return tl::unexpected(present.error());
  return all;
}

Result<void> return_to(const fs::path& folder, const std::string& version) {
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
  if (auto done = replace_bundle(folder, *bundle); !done) return done;
  return set_held(folder, true);
}

bool held(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(past_of(folder) / kHeldName, ignored);
}

Result<void> set_held(const fs::path& folder, bool hold) {
  const fs::path past = past_of(folder);
  const fs::path mark = past / kHeldName;
  if (!hold) {
    std::error_code why;
    fs::remove(mark, why);
    return why ? fail_errno(mark, "release the model", why.value()) : Result<void>{};
  }
  if (auto made = make_folder(past); !made) return made;
  return write_file(mark, "chosen by hand; `tidelimit models --release` lets retraining go on\n");
}

}  // namespace tidelimit::store
