#include "serve/http/client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>
#include <optional>
#include <sys/socket.h>

#include "base/percent_encoding.hpp"
#include "base/text.hpp"
#include "serve/http/chunked_decoder.hpp"
#include "serve/net/connect.hpp"
#include "serve/net/socket.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::size_t kMostAnswer = 256 << 20;

tl::unexpected<Error> unreachable(const Url& url, const std::string& why) {
  return fail(Code::unavailable, format_url(url) + " does not answer: " + why);
}

Result<Fd> connect_to(const Url& url, const Deadline& deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found); error != 0)
    return unreachable(url, gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, freeaddrinfo);
  auto fd = connect_to_any(found, deadline);
  if (!fd) return unreachable(url, fd.error().message);
  return fd;
}

Result<void> send_all(const Url& url, int fd, std::string_view bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    if (!deadline.bound(fd)) return unreachable(url, kTooLate);
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    // A server that refuses early answers and closes: what it said is still to be read.
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return {};
    if (sent < 0) return unreachable(url, std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

std::string reading_failed(int error) {
  return error == EAGAIN ? kTooLate : std::strerror(error);
}

/// What came until the end of the connection.
struct Received {
  std::string text;
  bool reset = false;  ///< it ended in no orderly way
};

Result<Received> read_all(const Url& url, int fd, const Deadline& deadline) {
  Received received;
  std::string& text = received.text;
  std::array<char, 16384> buffer;
  while (true) {
    if (!deadline.bound(fd)) return unreachable(url, kTooLate);
    const ssize_t count = recv(fd, buffer.data(), buffer.size(), 0);
    if (count == 0) return received;
    if (count < 0) {
      if (errno == EINTR) continue;
      received.reset = errno == ECONNRESET;
      if (received.reset && !text.empty()) return received;  // as after an early refusal
      return unreachable(url, reading_failed(errno));
    }
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kMostAnswer) return fail(Code::data_loss, "the answer is too large");
  }
}

std::string request_text(const Url& url, std::string_view method, std::string_view target,
                         std::string_view fields, std::string_view body) {
  std::string request = fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\n{}", method, url.prefix,
                                    target, format_authority(url), fields);
  if (!body.empty() || method == "POST" || method == "PUT")
    request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  request += "\r\n";
  request += body;
  return request;
}

/// The value of the first field of that name (in lower case) in the lines of a head.
std::optional<std::string_view> header_value(std::string_view head, std::string_view name) {
  for (const std::string_view line : split(head, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && equals_ignoring_case(line.substr(0, colon), name))
      return trim(line.substr(colon + 1));
  }
  return std::nullopt;
}

bool header_is(std::string_view head, std::string_view name, std::string_view word) {
  return equals_ignoring_case(header_value(head, name).value_or(""), word);
}

/// The bytes of a response whose head stands at the start of `text`; 0: the head is not whole yet.
std::size_t answer_size(std::string_view text, bool head_only) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  if (head_only) return end + 4;
  const auto length =
      parse_uint(header_value(text.substr(0, end), "content-length").value_or("")).value_or(0);
  return end + 4 + static_cast<std::size_t>(std::min<std::uint64_t>(length, kMostAnswer));
}

/// The body in what followed a head: cut to its length, or put together from its chunks. `ended`:
/// all came that the server had to send.
Result<std::string> read_body(const HttpAnswer& answer, std::string_view text, bool head_only,
                              bool ended) {
  if (head_only || answer.status == 204 || answer.status == 304) return std::string();
  const auto cut_short = [] { return fail(Code::data_loss, "the answer was cut short"); };
  if (header_is(answer.head, "transfer-encoding", "chunked")) {
    std::string body;
    ChunkedDecoder decoder;
    (void)decoder.feed(text, body, kMostAnswer);
    if (!decoder.done()) return cut_short();
    return body;
  }
  const auto said = header_value(answer.head, "content-length");
  if (!said) {
    if (!ended) return cut_short();
    return std::string(text);
  }
  const auto length = parse_uint(*said);
  if (!length) return fail(Code::data_loss, "the answer's Content-Length is no whole number");
  if (text.size() < *length) return cut_short();
  return std::string(text.substr(0, static_cast<std::size_t>(*length)));
}

/// Cuts the final response out of all that came.
Result<HttpAnswer> parse_answer(std::string_view text, bool head_only, bool ended) {
  while (text.starts_with("HTTP/1.1 100 ")) {
    const std::size_t end = text.find("\r\n\r\n");
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 4);
  }
  const std::size_t end = text.find("\r\n\r\n");
  const auto status = text.starts_with("HTTP/1.") && text.size() > 12
                          ? parse_uint(text.substr(9, 3))
                          : std::nullopt;
  if (end == std::string_view::npos || !status)
    return fail(Code::data_loss, "the answer is no HTTP");
  HttpAnswer answer{.status = static_cast<int>(*status),
                    .head = std::string(text.substr(0, end + 2)),
                    .body = {}};
  auto body = read_body(answer, text.substr(end + 4), head_only, ended);
  if (!body) return tl::unexpected(body.error());
  answer.body = std::move(*body);
  return answer;
}

}  // namespace

std::string encode_component(const std::string& text) {
  return percent_encode(text, ":");
}

Result<HttpAnswer> http_call(const Url& url, std::string_view method, std::string_view target,
                             std::string_view fields, std::string_view body,
                             std::chrono::milliseconds patience) {
  const Deadline deadline(patience);
  const auto fd = connect_to(url, deadline);
  if (!fd) return tl::unexpected(fd.error());
  const std::string request =
      request_text(url, method, target, fmt::format("Connection: close\r\n{}", fields), body);
  if (auto sent = send_all(url, fd->get(), request, deadline); !sent)
    return tl::unexpected(sent.error());
  const auto received = read_all(url, fd->get(), deadline);
  if (!received) return tl::unexpected(received.error());
  return parse_answer(received->text, method == "HEAD", !received->reset);
}

Result<HttpAnswer> HttpSession::call(std::string_view method, std::string_view target,
                                     std::string_view fields, std::string_view body) {
  request_ = request_text(url_, method, target, fields, body);
  const bool head_only = method == "HEAD";
  const bool kept = static_cast<bool>(socket_);
  auto answer = exchange(head_only);
  if (!answer && kept && closed_unanswered_) answer = exchange(head_only);
  return answer;
}

Result<HttpAnswer> HttpSession::exchange(bool head_only) {
  closed_unanswered_ = false;
  const Deadline deadline(patience_);
  if (!socket_) {
    auto fd = connect_to(url_, deadline);
    if (!fd) return tl::unexpected(fd.error());
    socket_ = std::move(*fd);
  }
  const auto broken = [this](tl::unexpected<Error> error) {
    socket_ = Fd();
    return error;
  };
  if (auto sent = send_all(url_, socket_.get(), request_, deadline); !sent)
    return broken(tl::unexpected(sent.error()));
  received_.clear();
  std::array<char, 16384> buffer;
  while (true) {
    const std::size_t size = answer_size(received_, head_only);
    if (size > 0 && received_.size() >= size) break;
    if (!deadline.bound(socket_.get())) return broken(unreachable(url_, kTooLate));
    const ssize_t count = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != ECONNRESET) return broken(unreachable(url_, reading_failed(errno)));
    if (count <= 0) {
      closed_unanswered_ = received_.empty();
      return broken(fail(Code::unavailable, format_url(url_) + " ended the call early"));
    }
    received_.append(buffer.data(), static_cast<std::size_t>(count));
    if (received_.size() > kMostAnswer)
      return broken(fail(Code::data_loss, "the answer is too large"));
  }
  auto answer = parse_answer(received_, head_only, true);
  if (!answer || header_is(answer->head, "connection", "close")) socket_ = Fd();
  return answer;
}

}  // namespace tidelimit::serve
