#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/bundle.hpp"

namespace tidelimit::model {

/// What the manifest says of one file beside it.
struct FileEntry {
  std::string sha256;
  std::size_t size = 0;
};

/// One input of a model, as people read it: the models carry their own constants.
struct FeatureEntry {
  std::string name;
  std::string scaling;  ///< "log1p", "level", ...: how the raw figure becomes the model's input
};

/// All that stands in manifest.json.
struct ManifestFile {
  Manifest manifest;
  std::map<std::string, std::vector<FeatureEntry>> features;  ///< by file name, in model order
  std::map<std::string, FileEntry> files;
};

/// JSON, keys sorted. The version's digest covers all else of the manifest, and through the
/// checksums both models.
[[nodiscard]] std::string write_manifest(const ManifestFile& manifest);

/// Errors say which key is wrong and what it should be; another format version names both.
[[nodiscard]] Result<ManifestFile> read_manifest(std::string_view json);

}  // namespace tidelimit::model
