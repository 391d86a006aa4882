#pragma once

#include <memory>

#include "ingest/line_parser.hpp"

namespace tidelimit::ingest {

/// Lines as docker's json-file driver keeps them, {"log":"LINE\n","stream":"stdout","time":"..."}:
/// what `lines` makes of LINE. A line of more than 16 KiB comes in parts, and can't be read.
class DockerParser final : public LineParser {
 public:
  explicit DockerParser(std::unique_ptr<LineParser> lines);
  ~DockerParser() override;

  /// Whether `line` begins as the driver writes it.
  [[nodiscard]] static bool wraps(std::string_view line);

  [[nodiscard]] Unreadable parse(std::string_view line, traffic::Request& out) override;
  [[nodiscard]] std::vector<bool> fields_met() const override { return lines_->fields_met(); }
  [[nodiscard]] std::string_view format() const override { return lines_->format(); }

 private:
  struct State;
  std::unique_ptr<LineParser> lines_;
  std::unique_ptr<State> state_;
};

}  // namespace tidelimit::ingest
