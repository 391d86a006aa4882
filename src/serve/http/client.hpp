#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/url.hpp"
#include "serve/net/socket.hpp"

namespace tidelimit::serve {

/// Percent-encodes what may not stand in one segment or parameter of a target.
[[nodiscard]] std::string encode_component(const std::string& text);

struct HttpAnswer {
  int status = 0;
  std::string head;  ///< status line and header lines
  std::string body;
};

/// One call, one connection, blocking: for threads that may wait. `fields` are header lines, each
/// with its CRLF. `patience` is for the whole call, however slowly bytes come (looking up the
/// host's name aside). Errors: unavailable when nothing listens or answers in time, data_loss when
/// the answer is no HTTP, or not whole by what it says of its length.
[[nodiscard]] Result<HttpAnswer> http_call(const Url& url, std::string_view method,
                                           std::string_view target, std::string_view fields,
                                           std::string_view body,
                                           std::chrono::milliseconds patience);

/// Calls one after the other on one connection that is kept alive. A server may close it while it
/// lies idle: a call that finds it closed, before anything of an answer came, is sent once more on
/// a new one, POST and PUT too. Whatever else fails may have taken effect, and is not sent again.
/// For servers that give every answer its length, as tidelimit does. One thread.
class HttpSession {
 public:
  HttpSession(Url url, std::chrono::milliseconds patience)
      : url_(std::move(url)), patience_(patience) {}

  [[nodiscard]] Result<HttpAnswer> call(std::string_view method, std::string_view target,
                                        std::string_view fields, std::string_view body = {});

 private:
  [[nodiscard]] Result<HttpAnswer> exchange(bool head_only);

  Url url_;
  std::chrono::milliseconds patience_;
  Fd socket_;
  std::string request_;
  std::string received_;
  bool closed_unanswered_ = false;  ///< why the last exchange failed
};

}  // namespace tidelimit::serve
