#include "model/manifest_json.hpp"

#include <cmath>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "model/digest.hpp"

namespace tidelimit::model {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "tidelimit model bundle";
/// Bounds of what a damaged or hostile manifest may ask for.
constexpr std::size_t kMostEndpoints = 10'000;
constexpr std::size_t kMostSteps = 100'000;
constexpr std::size_t kDigestDigits = 8;

json features_json(const ManifestFile& file) {
  json all = json::object();
  for (const auto& [name, features] : file.features) {
    auto& list = all[name] = json::array();
    for (const auto& feature : features) {
      list.push_back({{"name", feature.name}, {"scaling", feature.scaling}});
    }
  }
  return all;
}

json files_json(const ManifestFile& file) {
  json all = json::object();
  for (const auto& [name, entry] : file.files) {
    all[name] = {{"sha256", entry.sha256}, {"size", entry.size}};
  }
  return all;
}

/// "20261124T101500Z"
std::string compact_time(WallTime time) {
  auto text = format_time(WallTime{std::chrono::floor<std::chrono::seconds>(time)});
  std::erase(text, '-');
  std::erase(text, ':');
  return text;
}

/// Of everything but the version itself.
std::string version_of(json manifest, WallTime trained_until) {
  manifest.erase("version");
  const auto digest = sha256_hex(manifest.dump(-1, ' ', false, json::error_handler_t::replace));
  return compact_time(trained_until) + "-" + digest.substr(0, kDigestDigits);
}

/// Reads one object of the manifest; the first thing wrong is kept and ends the reading.
class Reader {
 public:
  Reader(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

  std::string text(const char* key) {
    const auto* value = find(key, "a text", [](const json& v) { return v.is_string(); });
    return value == nullptr ? std::string{} : value->get<std::string>();
  }
  WallTime time(const char* key) {
    const auto written = text(key);
    if (error_) return {};
    const auto parsed = parse_time(written);
    if (!parsed) return wrong(key, "a time like 2026-11-24T10:00:00Z"), WallTime{};
    return *parsed;
  }
  Nanos duration(const char* key) {
    const auto written = text(key);
    if (error_) return Nanos{1};
    const auto parsed = parse_duration(written);
    if (!parsed) return wrong(key, "a duration like 15m"), Nanos{1};
    return *parsed;
  }
  std::size_t size(const char* key) {
    const auto* value =
        find(key, "a whole number", [](const json& v) { return v.is_number_unsigned(); });
    return value == nullptr ? 0 : value->get<std::size_t>();
  }
  const json& object(const char* key) {
    static const json kEmpty = json::object();
    const auto* value = find(key, "an object", [](const json& v) { return v.is_object(); });
    return value == nullptr ? kEmpty : *value;
  }
  const json& array(const char* key) {
    static const json kEmpty = json::array();
    const auto* value = find(key, "a list", [](const json& v) { return v.is_array(); });
    return value == nullptr ? kEmpty : *value;
  }
  void wrong(const std::string& key, const std::string& wanted) {
    if (!error_) {
      error_ = Error{Code::data_loss, fmt::format("{}: \"{}{}\" must be {}; train the bundle anew",
                                                  kManifestName, where_, printable(key), wanted)};
    }
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  template <class Fits>
  const json* find(const char* key, const char* wanted, Fits fits) {
    const auto found = object_.find(key);
    if (found == object_.end() || !fits(*found)) {
      wrong(key, wanted);
      return nullptr;
    }
    return &*found;
  }

  const json& object_;
  std::string where_;
  std::optional<Error> error_;
};

Result<forecast::Shape> read_shape(const json& object) {
  Reader reader(object, "shape.");
  forecast::Shape shape;
  shape.window = reader.duration("window");
  shape.history = reader.duration("history");
  shape.horizon = reader.duration("horizon");
  if (!reader.error()) {
    if (shape.history % shape.window != Nanos{0} || shape.steps() > kMostSteps) {
      reader.wrong("history", "a multiple of the window");
    } else if (shape.horizon % shape.window != Nanos{0} || shape.horizon_steps() > kMostSteps) {
      reader.wrong("horizon", "a multiple of the window");
    }
  }
  if (reader.error()) return tl::unexpected(*reader.error());
  return shape;
}

Result<std::vector<std::string>> read_endpoints(const json& list) {
  std::vector<std::string> endpoints;
  const auto error =
      fail(Code::data_loss, fmt::format("{}: \"endpoints\" must be a list of at most "
                                        "{} names; train the bundle anew",
                                        kManifestName, kMostEndpoints));
  if (list.size() > kMostEndpoints) return error;
  for (const auto& name : list) {
    if (!name.is_string()) return error;
    endpoints.push_back(name.get<std::string>());
  }
  return endpoints;
}

Result<std::map<std::string, double>> read_figures(const json& object) {
  std::map<std::string, double> figures;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_number()) {
      Reader reader(object, "figures.");
      reader.wrong(name, "a number");
      return tl::unexpected(*reader.error());
    }
    figures[name] = value.get<double>();
  }
  return figures;
}

Result<std::vector<FeatureEntry>> read_features(const std::string& file, const json& list) {
  std::vector<FeatureEntry> features;
  for (const auto& entry : list) {
    if (!entry.is_object()) {
      return fail(
          Code::data_loss,
          fmt::format("{}: \"features.{}\" must be a list of objects; train the bundle anew",
                      kManifestName, printable(file)));
    }
    Reader reader(entry, "features." + file + ".");
    features.push_back({reader.text("name"), reader.text("scaling")});
    if (reader.error()) return tl::unexpected(*reader.error());
  }
  return features;
}

/// Whether it is a manifest of ours at all, and of a format that this program reads.
Result<void> require_format(const json& parsed) {
  if (!parsed.is_object() || parsed.value("format", json{}) != kFormat) {
    return fail(Code::invalid_argument,
                fmt::format("{}: not a tidelimit model bundle (no \"format\": \"{}\")",
                            kManifestName, kFormat));
  }
  const auto version = parsed.value("format_version", json{});
  if (version != kFormatVersion) {
    return fail(Code::failed_precondition,
                fmt::format("{}: bundle format {}, and this program reads format {}; train the "
                            "bundle anew with this program",
                            kManifestName, printable(version.dump(), 40), kFormatVersion));
  }
  return {};
}

}  // namespace

std::string write_manifest(const ManifestFile& file) {
  const auto& manifest = file.manifest;
  json out = {
      {"format", kFormat},
      {"format_version", kFormatVersion},
      {"preset", manifest.preset},
      {"trained_from", format_time(manifest.trained_from)},
      {"trained_until", format_time(manifest.trained_until)},
      {"endpoints", manifest.endpoints},
      {"shape",
       {{"window", format_duration(manifest.shape.window)},
        {"history", format_duration(manifest.shape.history)},
        {"horizon", format_duration(manifest.shape.horizon)}}},
      {"figures", json::object()},
      {"features", features_json(file)},
      {"files", files_json(file)},
  };
  for (const auto& [name, value] : manifest.figures) {
    if (std::isfinite(value)) out["figures"][name] = value;  // JSON has no other numbers
  }
  out["version"] = version_of(out, manifest.trained_until);
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<ManifestFile> read_manifest(std::string_view text) {
  const auto parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) {
    return fail(Code::data_loss, fmt::format("{}: damaged, it is no JSON; train the bundle anew or "
                                             "restore it from a copy",
                                             kManifestName));
  }
  if (auto ours = require_format(parsed); !ours) return tl::unexpected(ours.error());

  ManifestFile file;
  auto& manifest = file.manifest;
  Reader reader(parsed, "");
  manifest.version = reader.text("version");
  manifest.preset = reader.text("preset");
  manifest.trained_from = reader.time("trained_from");
  manifest.trained_until = reader.time("trained_until");
  auto endpoints = read_endpoints(reader.array("endpoints"));
  auto figures = read_figures(reader.object("figures"));
  const auto& shape_json = reader.object("shape");
  const auto& features = reader.object("features");
  const auto& files = reader.object("files");
  if (reader.error()) return tl::unexpected(*reader.error());
  auto shape = read_shape(shape_json);
  if (!shape) return tl::unexpected(shape.error());
  if (!endpoints) return tl::unexpected(endpoints.error());
  if (!figures) return tl::unexpected(figures.error());
  manifest.shape = *shape;
  manifest.endpoints = std::move(*endpoints);
  manifest.figures = std::move(*figures);
  for (const auto& [name, list] : features.items()) {
    auto read = read_features(name, list);
    if (!read) return tl::unexpected(read.error());
    file.features[name] = std::move(*read);
  }
  for (const auto& [name, entry] : files.items()) {
    if (!entry.is_object()) {
      return fail(Code::data_loss, fmt::format("{}: \"files.{}\" must be an object", kManifestName,
                                               printable(name)));
    }
    Reader of_file(entry, "files." + name + ".");
    file.files[name] = {of_file.text("sha256"), of_file.size("size")};
    if (of_file.error()) return tl::unexpected(*of_file.error());
  }
  if (manifest.version != version_of(parsed, manifest.trained_until)) {
    return fail(Code::data_loss,
                fmt::format("{}: changed after training (its content does not give its version "
                            "{}); restore it from a copy or train the bundle anew",
                            kManifestName, printable(manifest.version, 60)));
  }
  return file;
}

}  // namespace tidelimit::model
