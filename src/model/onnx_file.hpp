#pragma once

#include <map>
#include <onnx/onnx_pb.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tidelimit::model {

// The parts of an ONNX file that both models write and read alike. Only the model folder's sources
// include this header: protobuf stops here.

inline constexpr std::size_t kMostOnnxBytes = 64U << 20;

/// An empty model of IR 8 with operators ai.onnx 13.
[[nodiscard]] onnx::ModelProto make_onnx_model();
void add_metadata(onnx::ModelProto& model, const std::string& key, const std::string& value);
void add_constant(onnx::GraphProto& graph, const std::string& name,
                  const std::vector<std::int64_t>& shape, const std::vector<float>& values);
void add_double_constant(onnx::GraphProto& graph, const std::string& name,
                         const std::vector<std::int64_t>& shape, const std::vector<double>& values);
onnx::NodeProto& add_node(onnx::GraphProto& graph, const std::string& op,
                          const std::vector<std::string>& inputs, const std::string& output);
/// An input or output of the graph: floats, [N, dims...].
void add_value(onnx::ValueInfoProto& value, const std::string& name,
               const std::vector<std::int64_t>& dims);

/// Metadata by key; remembers the first that was missing or unreadable.
class OnnxMetadata {
 public:
  explicit OnnxMetadata(const onnx::ModelProto& model);

  [[nodiscard]] bool has(const std::string& key) const { return values_.count(key) > 0; }
  [[nodiscard]] const std::string& text(const std::string& key);
  /// Within [low, high], else it counts as unreadable.
  [[nodiscard]] double number(const std::string& key, double low, double high);
  /// Floats separated by commas, as many as there are.
  [[nodiscard]] std::vector<float> floats(const std::string& key);
  [[nodiscard]] const std::string& first_bad() const { return first_bad_; }
  void note(const std::string& key);

 private:
  std::map<std::string, std::string> values_;
  std::string first_bad_;
  std::string empty_;
};

/// Floats as text that OnnxMetadata::floats gives back bit by bit.
[[nodiscard]] std::string floats_text(const std::vector<float>& values);

// What reading either model begins with; `what` ("the anomaly model") begins each message.

/// "WHAT WHY": the file is damaged, or none of ours.
[[nodiscard]] tl::unexpected<Error> unsound(const std::string& what, const std::string& why);
/// Parses a file of one of tidelimit's models.
[[nodiscard]] Result<onnx::ModelProto> parse_onnx(std::string_view bytes, const std::string& what);
/// Whether the file's metadata `kind` has the version that this program reads.
[[nodiscard]] Result<void> check_kind(OnnxMetadata& metadata, const std::string& kind,
                                      const std::string& version, const std::string& what);
/// Whether the model was trained on the features that this program knows.
[[nodiscard]] Result<void> check_features(OnnxMetadata& metadata, const std::string& known,
                                          const std::string& what);
/// Whether all metadata that was read was there, and sound.
[[nodiscard]] Result<void> check_sound(const OnnxMetadata& metadata, const std::string& what);

}  // namespace tidelimit::model
