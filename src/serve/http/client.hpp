#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit::serve {

/// "http://127.0.0.1:8080": where a gate answers. A path is kept as a prefix.
struct Url {
  std::string host;
  std::string port;
  std::string prefix;
};
[[nodiscard]] Result<Url> parse_url(std::string_view text);

struct HttpAnswer {
  int status = 0;
  std::string head;  ///< status line and header lines
  std::string body;
};

/// One call, one connection, blocking; for the shell and tests. `fields` are header lines, each
/// with its CRLF. Errors: unavailable when nothing listens or answers in time, data_loss when the
/// answer is no HTTP.
[[nodiscard]] Result<HttpAnswer> http_call(const Url& url, std::string_view method,
                                           std::string_view target, std::string_view fields,
                                           std::string_view body,
                                           std::chrono::milliseconds patience);

}  // namespace tidelimit::serve
