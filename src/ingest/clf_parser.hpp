#pragma once

#include <string>

#include "ingest/line_parser.hpp"
#include "ingest/timestamp.hpp"

namespace tidelimit::ingest {

/// Apache's and nginx's `common` and `combined` lines:
///   [HEAD] [VHOST] CLIENT IDENT USER [TIME] "REQUEST" STATUS BYTES ["REFERER" "AGENT" ...]
/// HEAD is what line_head() knows; CLIENT may carry a port or be an X-Forwarded-For list. The frame
/// is CLIENT, [TIME], a quoted request and STATUS; whatever is in the quotes, a line with a frame
/// is a request. A missing end of the agent is tolerated, fields behind it are ignored.
class ClfParser final : public LineParser {
 public:
  [[nodiscard]] Unreadable parse(std::string_view line, traffic::Request& out) override;

  /// "combined" once a line had an agent, else "common".
  [[nodiscard]] std::string_view format() const override {
    return saw_agent_ ? "combined" : "common";
  }

 private:
  [[nodiscard]] Unreadable parse_bare(std::string_view line, traffic::Request& out);
  [[nodiscard]] Unreadable read_request(std::string_view rest, traffic::Request& out);
  void read_agent(std::string_view rest, traffic::Request& out);

  LogClock clock_;
  std::string request_scratch_;
  std::string agent_scratch_;
  bool saw_agent_ = false;
};

}  // namespace tidelimit::ingest
