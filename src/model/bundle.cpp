#include "model/bundle.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "forecast/model.hpp"
#include "model/anomaly_onnx.hpp"
#include "model/digest.hpp"
#include "model/features.hpp"
#include "model/forecast_onnx.hpp"
#include "model/manifest_json.hpp"
#include "model/shape_misfit.hpp"

namespace tidelimit::model {
namespace {

std::string names_of(const std::vector<FeatureEntry>& features) {
  std::string names;
  for (const auto& feature : features) {
    names += (names.empty() ? "" : ", ") + printable(feature.name, 60);
  }
  return names.empty() ? "none" : names;
}

Result<void> check_file(const std::string& name, const FileEntry& entry, const BundleFiles& files) {
  if (std::find(kFileNames.begin(), kFileNames.end(), name) == kFileNames.end() ||
      name == kManifestName) {
    return fail(Code::failed_precondition,
                fmt::format("{}: names \"{}\", which this program does not know", kManifestName,
                            printable(name, 60)));
  }
  const auto found = files.find(name);
  if (found == files.end()) {
    return fail(Code::data_loss,
                name + ": missing; restore it from a copy or train the bundle anew");
  }
  const auto& bytes = found->second;
  if (bytes.size() != entry.size) {
    return fail(Code::data_loss,
                fmt::format("{}: damaged, it has {} bytes of {}; restore it from a copy or train "
                            "the bundle anew",
                            name, bytes.size(), entry.size));
  }
  if (sha256_hex(bytes) != entry.sha256) {
    return fail(Code::data_loss,
                name +
                    ": damaged, its checksum is not the manifest's; restore it from a copy or "
                    "train the bundle anew");
  }
  return {};
}

/// A model computes with the inputs it was trained on or not at all.
Result<void> check_features(const std::string& name, const std::vector<FeatureEntry>& stored,
                            const std::vector<FeatureEntry>& known) {
  if (names_of(stored) == names_of(known)) return {};
  return fail(Code::failed_precondition,
              fmt::format("{}: made for the features {}, and this program computes {}; train the "
                          "bundle anew with this program",
                          name, names_of(stored), names_of(known)));
}

Result<void> check_shape(const forecast::Shape& stored, const forecast::Shape& manifest) {
  if (stored == manifest) return {};
  return fail(Code::data_loss, fmt::format("{}: made for {}, and {} says otherwise; restore both "
                                           "from one copy or train the bundle anew",
                                           kForecastName, format_shape(stored), kManifestName));
}

Result<std::shared_ptr<const forecast::ForecastModel>> decode_forecast(const ManifestFile& manifest,
                                                                       const std::string& bytes) {
  const std::string name(kForecastName);
  auto model = forecast_from_onnx(bytes);
  if (!model) return fail_in(name, model.error());
  if (auto fits = check_shape((*model)->shape, manifest.manifest.shape); !fits) {
    return tl::unexpected(fits.error());
  }
  const auto stored = manifest.features.find(name);
  const auto fits = check_features(
      name, stored == manifest.features.end() ? std::vector<FeatureEntry>{} : stored->second,
      forecast_features((*model)->preset));
  if (!fits) return tl::unexpected(fits.error());
  return model;
}

Result<std::shared_ptr<const anomaly::Detector>> decode_anomaly(const ManifestFile& manifest,
                                                                const std::string& bytes) {
  const std::string name(kAnomalyName);
  const auto stored = manifest.features.find(name);
  const auto fits = check_features(
      name, stored == manifest.features.end() ? std::vector<FeatureEntry>{} : stored->second,
      anomaly_features());
  if (!fits) return tl::unexpected(fits.error());
  auto model = anomaly_from_onnx(bytes);
  if (!model) return fail_in(name, model.error());
  return model;
}

}  // namespace

void describe_forecast(Bundle& bundle, const forecast::Shape& shape, WallTime trained_from,
                       WallTime trained_until, std::vector<std::string> endpoints) {
  Manifest& manifest = bundle.manifest;
  manifest.shape = shape;
  manifest.trained_from = trained_from;
  manifest.trained_until = trained_until;
  manifest.endpoints = std::move(endpoints);
  manifest.figures["windows"] = static_cast<double>((trained_until - trained_from) / shape.window);
  manifest.figures["forecast_validation_mae"] = bundle.forecast->validation_mae;
  manifest.figures["forecast_best_epoch"] = bundle.forecast->best_epoch;
}

Result<BundleFiles> encode(const Bundle& bundle) {
  if (bundle.forecast == nullptr && bundle.anomaly == nullptr) {
    return fail(Code::invalid_argument, "a model bundle needs at least one model");
  }
  BundleFiles files;
  if (bundle.forecast) {
    files.emplace(kForecastName, forecast_to_onnx(*bundle.forecast));
  }
  if (bundle.anomaly) files.emplace(kAnomalyName, anomaly_to_onnx(*bundle.anomaly));

  ManifestFile manifest;
  manifest.manifest = bundle.manifest;
  for (const auto& [name, bytes] : files) {
    manifest.files[name] = {sha256_hex(bytes), bytes.size()};
    manifest.features[name] =
        name == kAnomalyName ? anomaly_features() : forecast_features(bundle.forecast->preset);
  }
  files.emplace(kManifestName, write_manifest(manifest));
  return files;
}

Result<Bundle> decode(const BundleFiles& files) {
  const auto written = files.find(std::string(kManifestName));
  if (written == files.end()) {
    return fail(Code::invalid_argument,
                fmt::format("not a tidelimit model bundle: there is no {} in it", kManifestName));
  }
  const auto manifest = read_manifest(written->second);
  if (!manifest) return tl::unexpected(manifest.error());
  for (const auto& [name, entry] : manifest->files) {
    if (auto whole = check_file(name, entry, files); !whole) return tl::unexpected(whole.error());
  }

  Bundle bundle;
  bundle.manifest = manifest->manifest;
  if (manifest->files.contains(std::string(kForecastName))) {
    auto model = decode_forecast(*manifest, files.at(std::string(kForecastName)));
    if (!model) return tl::unexpected(model.error());
    bundle.forecast = std::move(*model);
    bundle.manifest.forecast_version = bundle.manifest.version;
  }
  if (manifest->files.contains(std::string(kAnomalyName))) {
    auto model = decode_anomaly(*manifest, files.at(std::string(kAnomalyName)));
    if (!model) return tl::unexpected(model.error());
    bundle.anomaly = std::move(*model);
    bundle.manifest.anomaly_version = bundle.manifest.version;
  }
  if (!bundle.forecast && !bundle.anomaly) {
    return fail(Code::data_loss,
                fmt::format("{}: names no model; train the bundle anew", kManifestName));
  }
  return bundle;
}

}  // namespace tidelimit::model
