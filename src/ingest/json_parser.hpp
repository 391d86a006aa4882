#pragma once

#include <memory>

#include "ingest/json_names.hpp"
#include "ingest/line_parser.hpp"

namespace tidelimit::ingest {

/// One JSON object a line. A time, a client (or peer, or X-Forwarded-For) must be there, and a path
/// or a request line, which may be empty or garbage.
class JsonParser final : public LineParser {
 public:
  explicit JsonParser(JsonNames names);
  ~JsonParser() override;

  [[nodiscard]] Unreadable parse(std::string_view line, traffic::Request& out) override;
  [[nodiscard]] std::vector<bool> fields_met() const override;
  [[nodiscard]] std::string_view format() const override { return "json"; }
  [[nodiscard]] std::string advice(std::string_view line) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tidelimit::ingest
