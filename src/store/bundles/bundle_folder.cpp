#include "store/bundles/bundle_folder.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/files/file.hpp"

namespace tidelimit::store {
namespace fs = std::filesystem;
namespace {

/// Models are well under 1 MB; a file beyond this is none of ours.
constexpr std::size_t kMostBytes = 64u << 20;
/// The folder may be swapped while it is read: then the files just opened are gone, and the next
/// look finds the new ones.
constexpr int kAttempts = 3;

class Folder {
 public:
  explicit Folder(const fs::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~Folder() {
    if (fd_ >= 0) ::close(fd_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  [[nodiscard]] int get() const { return fd_; }
  /// The folder's own name for one of its files, whatever the path names by now.
  [[nodiscard]] fs::path entry(std::string_view name) const {
    return fs::path(fmt::format("/proc/self/fd/{}/{}", fd_, name));
  }

 private:
  int fd_;
};

Result<void> require_bundle_or_nothing(const fs::path& folder) {
  std::error_code why;
  const auto status = fs::symlink_status(folder, why);
  if (status.type() == fs::file_type::not_found) return {};
  const auto target = fs::status(folder, why);
  if (target.type() != fs::file_type::directory) {
    return fail(Code::already_exists,
                folder.string() + ": exists and is no folder; name another one for the bundle");
  }
  if (fs::exists(folder / model::kManifestName, why) || fs::is_empty(folder, why)) return {};
  return fail(Code::already_exists, folder.string() +
                                        ": exists and holds something other than a model bundle, "
                                        "which is left alone; name another folder");
}

/// Exchanges both names in one step where the file system can (Linux 3.15: ext4, xfs, btrfs, tmpfs,
/// overlay); else by two renames, with a moment between in which there is no bundle.
Result<void> swap_in(const fs::path& fresh, const fs::path& folder) {
  if (::rename(fresh.c_str(), folder.c_str()) == 0) return {};  // absent or empty before
  if (::syscall(SYS_renameat2, AT_FDCWD, fresh.c_str(), AT_FDCWD, folder.c_str(),
                RENAME_EXCHANGE) == 0) {
    return {};
  }
  if (errno != EINVAL && errno != ENOSYS) return fail_errno(folder, "replace the bundle", errno);
  const auto old = name_aside(folder);
  if (::rename(folder.c_str(), old.c_str()) != 0) {
    return fail_errno(folder, "move the old bundle aside", errno);
  }
  if (::rename(fresh.c_str(), folder.c_str()) != 0) {
    const int why = errno;
    if (::rename(old.c_str(), folder.c_str()) != 0) {
      return fail_errno(folder, "replace the bundle (the old one is now " + old.string() + ")",
                        why);
    }
    return fail_errno(folder, "replace the bundle", why);
  }
  std::error_code ignored;
  fs::rename(old, fresh, ignored);
  return {};
}

Result<model::BundleFiles> read_files(const fs::path& path) {
  const Folder folder(path);
  if (!folder.open()) {
    if (errno == ENOENT) {
      return fail(Code::not_found,
                  path.string() + ": there is no such model bundle; `tidelimit train INPUT -o " +
                      path.string() + "` makes one");
    }
    if (errno == ENOTDIR) {
      return fail(Code::invalid_argument,
                  path.string() + ": a model bundle is a folder, and this is none");
    }
    return fail_errno(path, "open the model bundle", errno);
  }
  model::BundleFiles files;
  for (const auto name : model::kFileNames) {
    auto bytes = read_file(folder.entry(name), kMostBytes);
    if (bytes) {
      files.emplace(name, std::move(*bytes));
    } else if (bytes.error().code != Code::not_found) {
      return fail(bytes.error().code,
                  fmt::format("{}/{}: cannot be read as a part of a model bundle ({})",
                              path.string(), name, bytes.error().message));
    }
  }
  return files;
}

}  // namespace

namespace {

/// "var/model/" and a link to a folder name the folder itself; what is swapped is that one.
fs::path target_of(const fs::path& folder) {
  std::error_code ignored;
  fs::path target = folder.has_filename() ? folder : folder.parent_path();
  return fs::is_symlink(target, ignored) ? fs::weakly_canonical(target, ignored) : target;
}

}  // namespace

Result<void> check_bundle_place(const fs::path& folder) {
  const fs::path target = target_of(folder);
  if (auto free = require_bundle_or_nothing(target); !free) return free;
  const auto trial = name_aside(target);
  std::vector<fs::path> missing;  // the innermost first
  std::error_code ignored;
  for (fs::path at = trial; !at.empty() && !fs::exists(at, ignored); at = at.parent_path())
    missing.push_back(at);
  auto made = make_folder(trial);
  for (const fs::path& folder_of_trial : missing) fs::remove(folder_of_trial, ignored);
  return made;
}

Result<void> write_bundle(const fs::path& folder, const model::Bundle& bundle) {
  const auto files = model::encode(bundle);
  if (!files) return fail_in(folder.string(), files.error());
  std::error_code ignored;
  const fs::path target = target_of(folder);
  if (auto free = require_bundle_or_nothing(target); !free) return free;
  if (auto made = make_folder(target.parent_path()); !made) return made;

  const auto fresh = name_aside(target);
  const auto written = [&]() -> Result<void> {
    if (auto made = make_folder(fresh); !made) return made;
    for (const auto& [name, bytes] : *files) {
      if (auto put = write_file(fresh / name, bytes); !put) return put;
    }
    return swap_in(fresh, target);
  }();
  fs::remove_all(fresh, ignored);  // the old bundle by now, or the half-made new one
  if (!written) return written;
  return sync_folder(target.parent_path());
}

Result<model::Bundle> read_bundle(const fs::path& folder) {
  Result<model::Bundle> bundle = fail(Code::not_found, folder.string());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto before = bundle_fingerprint(folder);
    auto files = read_files(folder);
    if (!files) return tl::unexpected(files.error());
    bundle = model::decode(*files);
    if (bundle || bundle_fingerprint(folder) == before) break;
  }
  if (!bundle) return fail_in(folder.string(), bundle.error());
  return bundle;
}

bool two_folders(const fs::path& forecast, const fs::path& anomaly) {
  return !forecast.empty() && !anomaly.empty() && forecast != anomaly;
}

Result<Models> read_models(const fs::path& forecast, const fs::path& anomaly,
                           const model::Bundle* running, Damaged damaged) {
  Models models;
  const bool apart = two_folders(forecast, anomaly);
  const auto read = [&](const fs::path& folder) -> Result<model::Bundle> {
    std::error_code ignored;
    if (folder.empty()) return model::Bundle{};
    std::string why = folder.string() + ": there is no model (tidelimit train makes one)";
    if (fs::exists(folder, ignored)) {
      auto bundle = read_bundle(folder);
      if (bundle || !apart || damaged == Damaged::error) return bundle;
      why = bundle.error().message;
    }
    models.warnings.push_back(std::move(why));
    return running != nullptr ? *running : model::Bundle{};
  };
  auto first = read(forecast);
  if (!first) return tl::unexpected(first.error());
  auto second = forecast == anomaly ? first : read(anomaly);
  if (!second) return tl::unexpected(second.error());
  model::Bundle merged{first->forecast ? first->manifest : second->manifest, first->forecast,
                       second->anomaly};
  merged.manifest.forecast_version = first->manifest.forecast_version;
  merged.manifest.anomaly_version = second->manifest.anomaly_version;
  models.bundle = std::make_shared<const model::Bundle>(std::move(merged));
  return models;
}

std::string bundle_fingerprint(const fs::path& folder) {
  const Folder opened(folder);
  if (!opened.open()) return {};
  std::string fingerprint;
  for (const auto name : model::kFileNames) {
    struct stat about {};
    if (::fstatat(opened.get(), std::string(name).c_str(), &about, 0) != 0) continue;
    fmt::format_to(std::back_inserter(fingerprint), "{}:{}:{}:{}.{};", name, about.st_ino,
                   about.st_size, about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
  }
  return fingerprint;
}

}  // namespace tidelimit::store
