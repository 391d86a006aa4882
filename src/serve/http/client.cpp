#include "serve/http/client.hpp"

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

Result<std::string> read_all(const Url& url, int fd, const Deadline& deadline) {
  std::string text;
  std::array<char, 16384> buffer;
  while (true) {
    if (!deadline.bound(fd)) return unreachable(url, kTooLate);
    const ssize_t count = recv(fd, buffer.data(), buffer.size(), 0);
    if (count == 0) return text;
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == ECONNRESET && !text.empty()) return text;
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

/// The bytes of a response whose head stands at the start of `text`; 0: the head is not whole yet.
std::size_t answer_size(std::string_view text, bool head_only) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  if (head_only) return end + 4;
  for (const std::string_view line : split(text.substr(0, end), '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos ||
        !equals_ignoring_case(line.substr(0, colon), "content-length"))
      continue;
    return end + 4 + parse_uint(trim(line.substr(colon + 1))).value_or(0);
  }
  return end + 4;
}

/// Cuts the final response out of all that came until the end of the connection.
Result<HttpAnswer> parse_answer(std::string_view text) {
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
  const std::string_view body = text.substr(end + 4);
  bool chunked = false;
  for (const std::string_view line : split(text.substr(0, end), '\n'))
    chunked |= equals_ignoring_case(trim(line), "transfer-encoding: chunked");
  if (chunked) {
    ChunkedDecoder decoder;
    (void)decoder.feed(body, answer.body, kMostAnswer);
    if (!decoder.done()) return fail(Code::data_loss, "the answer was cut short");
  } else {
    answer.body = body;
  }
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
  const auto text = read_all(url, fd->get(), deadline);
  if (!text) return tl::unexpected(text.error());
  return parse_answer(*text);
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
  auto answer = parse_answer(received_);
  if (answer && answer->head.find("Connection: close") != std::string::npos) socket_ = Fd();
  return answer;
}

}  // namespace tidelimit::serve
