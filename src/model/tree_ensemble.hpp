#pragma once

#include <onnx/onnx_pb.h>
#include <vector>

#include "anomaly/isolation_forest.hpp"

namespace tidelimit::model {

// The parts of an isolation forest as nodes TreeEnsembleRegressor of ONNX (domain ai.onnx.ml). Only
// the model folder's sources include this header.

/// The mean path length over the forest's trees that have nodes. Input: the scaled features.
void write_forest(onnx::NodeProto& node, const anomaly::IsolationForest& forest);

/// Their nodes, as IsolationForest::from_nodes takes and judges them.
[[nodiscard]] Result<std::vector<std::vector<anomaly::IsolationForest::Node>>> read_forest(
    const onnx::NodeProto& node);

/// A curve as one balanced tree over its only input, the distance.
void write_curve(onnx::NodeProto& node, const anomaly::DistanceCurve& curve);

/// Refuses what is no tree over one input.
[[nodiscard]] Result<anomaly::DistanceCurve> read_curve(const onnx::NodeProto& node);

}  // namespace tidelimit::model
