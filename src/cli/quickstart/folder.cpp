#include "cli/quickstart/folder.hpp"

#include <fmt/format.h>

#include "cli/drawn_file.hpp"
#include "store/files/file.hpp"

namespace tidelimit::cli::quickstart {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMend = "name another folder with --dir";

tl::unexpected<Error> refuse(Code code, const fs::path& folder, std::string_view why) {
  return fail(code, fmt::format("{}: {}; {}", folder.string(), why, kMend));
}

}  // namespace

Result<void> require_own_folder(const Files& files) {
  std::error_code why;
  const fs::file_status status = fs::status(files.folder, why);
  if (status.type() == fs::file_type::not_found) return {};
  if (status.type() != fs::file_type::directory)
    return refuse(Code::invalid_argument, files.folder, why ? why.message() : "is no folder");
  if (is_drawn_and_unedited(files.config.string(), kConfigurationMark)) {
    auto held = hold_folder(files);
    return held ? Result<void>{} : tl::unexpected(held.error());
  }
  fs::path foreign;
  if (fs::exists(files.config, why)) foreign = files.config;
  for (fs::directory_iterator entry(files.folder, why), end;
       !why && foreign.empty() && entry != end; entry.increment(why)) {
    if (entry->path() != files.lock) foreign = entry->path();
  }
  if (why) return refuse(Code::permission_denied, files.folder, why.message());
  if (foreign.empty()) return {};
  // One that starts now holds the folder before it has written what tells it as a quickstart's.
  if (fs::exists(files.lock, why))
    if (const auto held = hold_folder(files); !held) return tl::unexpected(held.error());
  return refuse(Code::already_exists, files.folder,
                fmt::format("holds {}, which is not as a quickstart leaves it: all here is left "
                            "alone",
                            foreign.filename().string()));
}

Result<store::FileLock> hold_folder(const Files& files) {
  if (auto made = store::make_folder(files.folder); !made)
    return fail(made.error().code, fmt::format("{}; {}", made.error().message, kMend));
  auto lock = store::FileLock::take(files.lock);
  if (lock) return lock;
  if (lock.error().code != Code::failed_precondition)
    return refuse(lock.error().code, files.folder, "can't be written");
  return refuse(lock.error().code, files.folder, "a quickstart or gate that runs now uses it");
}

void remove_half_written(const Files& files) {
  std::error_code ignored;
  for (fs::directory_iterator entry(files.folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    std::error_code kept;
    if (store::is_aside(entry->path())) fs::remove_all(entry->path(), kept);
  }
}

std::uintmax_t bytes_in(const Files& files) {
  std::uintmax_t sum = 0;
  std::error_code ignored;
  for (fs::recursive_directory_iterator entry(files.folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    std::error_code gone;
    const std::uintmax_t size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
    if (!gone) sum += size;
  }
  return sum;
}

}  // namespace tidelimit::cli::quickstart
