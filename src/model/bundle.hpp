#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "anomaly/detector.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "forecast/forecaster.hpp"

namespace tidelimit::model {

inline constexpr int kFormatVersion = 1;

/// The files of a bundle; either model may be absent, the manifest never.
inline constexpr std::string_view kManifestName = "manifest.json";
inline constexpr std::string_view kForecastName = "traffic.onnx";
inline constexpr std::string_view kAnomalyName = "anomaly.onnx";
inline constexpr std::array<std::string_view, 3> kFileNames{kManifestName, kForecastName,
                                                            kAnomalyName};

/// What is known of a bundle beside its networks.
struct Manifest {
  std::string version;  ///< "20261124T101500Z-1a2b3c4d": training end and a digest of the content;
                        ///< encode() draws it, whatever stands here
  std::string preset;
  WallTime trained_from{};   ///< first and
  WallTime trained_until{};  ///< end of the last window seen in training: evaluate scores only
                             ///< later origins
  std::vector<std::string> endpoints;
  forecast::Shape shape;
  std::map<std::string, double> figures;  ///< validation MAE, rows, epochs, ...

  // Set by decode(): the version of the bundle that each model came from; empty: it has none. They
  // differ where a forecaster and a detector of two bundles run together.
  std::string forecast_version;
  std::string anomaly_version;
};

/// Both trained models. Either may be null (ready windows alone train the forecast alone).
struct Bundle {
  Manifest manifest;
  std::shared_ptr<const forecast::ForecastModel> forecast;
  std::shared_ptr<const anomaly::Detector> anomaly;
};

/// Notes in the manifest what the forecast of the bundle, just trained, was trained on.
void describe_forecast(Bundle& bundle, const forecast::Shape& shape, WallTime trained_from,
                       WallTime trained_until, std::vector<std::string> endpoints);

/// File name -> bytes: manifest.json, traffic.onnx, anomaly.onnx (and what each needs). Equal
/// bundles give equal bytes.
using BundleFiles = std::map<std::string, std::string>;

[[nodiscard]] Result<BundleFiles> encode(const Bundle& bundle);

/// Refuses, with the reason and the mend, what is damaged (checksum, truncation), foreign (no
/// manifest, another format version) or mismatched (shapes that don't fit, unknown features).
[[nodiscard]] Result<Bundle> decode(const BundleFiles& files);

}  // namespace tidelimit::model
