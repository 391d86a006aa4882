#pragma once

#include <string>
#include <vector>

namespace tidelimit::cli {

/// A table for a terminal: columns as wide as their widest cell, numbers to the right. The first
/// row is the head. Each line is indented by two and ends with a newline.
class TextTable {
 public:
  enum class Align { left, right };

  TextTable(std::vector<std::string> head, std::vector<Align> align);
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.size() == 1; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Align> align_;
  std::vector<std::vector<std::string>> rows_;
};

/// Characters of UTF-8 text, by which columns are measured.
[[nodiscard]] std::size_t width_of(const std::string& text);

}  // namespace tidelimit::cli
