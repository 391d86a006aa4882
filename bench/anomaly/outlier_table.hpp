#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "anomaly/isolation_forest.hpp"
#include "base/error.hpp"

namespace tidelimit::bench {

/// A set of rows among which outliers are sought, as a CSV file holds it: a header, numbers, and
/// in the last column, called `label`, 1 for an outlier.
struct OutlierTable {
  std::string name;  ///< the file's, without its endings
  std::size_t columns = 0;
  std::vector<float> values;  ///< row after row, without the label
  std::vector<bool> outlier;  ///< by row; all false where there is no column `label`

  [[nodiscard]] anomaly::MatrixView rows() const { return {values, columns}; }
};

/// gzip and zstd are recognised. Errors name the line and the column.
[[nodiscard]] Result<OutlierTable> read_outliers(const std::filesystem::path& path);

/// All tables of a folder, by name; what can't be read is named on standard error and left out.
[[nodiscard]] std::vector<OutlierTable> read_all_outliers(const std::filesystem::path& folder);

}  // namespace tidelimit::bench
