#include "serve/http/response.hpp"

#include <chrono>
#include <cmath>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/utf8.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::string_view kOkLine = "HTTP/1.1 200 OK\r\n";

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

int http_status(Code code) {
  switch (code) {
    case Code::invalid_argument:
      return 400;
    case Code::not_found:
      return 404;
    case Code::already_exists:
      return 409;
    case Code::permission_denied:
      return 403;
    case Code::resource_exhausted:
      return 507;
    case Code::failed_precondition:
      return 409;
    case Code::internal:
      return 500;
    case Code::unavailable:
      return 503;
    case Code::data_loss:
      return 500;
  }
  return 500;
}

void append_json_number(std::string& out, double number) {
  if (std::isfinite(number)) {
    fmt::format_to(std::back_inserter(out), "{}", number);
  } else {
    out += "null";
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t length = 1;
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    } else if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else if (length = utf8_length(text); length > 0) {
      out.append(text.substr(0, length));
    } else {
      length = 1;
      out += "\\ufffd";
    }
    text.remove_prefix(length);
  }
  out.push_back('"');
}

std::string_view DateLine::at(WallTime now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (second != second_) {
    second_ = second;
    line_ = fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n",
                        fmt::gmtime(static_cast<std::time_t>(second)));
  }
  return line_;
}

void ResponseWriter::begin(int status) {
  status_ = status;
  if (status == 200) {
    out_.append(kOkLine);
  } else {
    out_.append("HTTP/1.1 ");
    append_number(out_, static_cast<std::uint64_t>(status));
    out_.push_back(' ');
    out_.append(reason_phrase(status));
    out_.append("\r\n");
  }
  out_.append(context_.date_line);
  if (!context_.keep_alive) {
    out_.append("Connection: close\r\n");
  } else if (!context_.http_1_1) {
    out_.append("Connection: keep-alive\r\n");
  }
}

void ResponseWriter::field(std::string_view name, std::string_view value) {
  out_.append(name);
  out_.append(": ");
  out_.append(value);
  out_.append("\r\n");
}

void ResponseWriter::finish_empty() {
  out_.append(status_ == 204 ? "\r\n" : "Content-Length: 0\r\n\r\n");
}

void ResponseWriter::finish(std::string_view content_type, std::string_view body) {
  field("Content-Type", content_type);
  out_.append("Content-Length: ");
  append_number(out_, body.size());
  out_.append("\r\n\r\n");
  if (!context_.head_only) out_.append(body);
}

void ResponseWriter::send(const Response& response) {
  begin(response.status);
  out_.append(response.fields);
  const std::string& body = response.shared_body ? *response.shared_body : response.body;
  if (body.empty()) {
    finish_empty();
  } else {
    finish(response.content_type, body);
  }
}

Response problem(int status, std::string_view detail) {
  Response response{.status = status, .content_type = "application/problem+json"};
  std::string& body = response.body;
  body = R"({"type":"about:blank","title":)";
  append_json_string(body, reason_phrase(status));
  body += R"(,"status":)";
  append_number(body, static_cast<std::uint64_t>(status));
  body += R"(,"detail":)";
  append_json_string(body, detail);
  body += "}\n";
  return response;
}

}  // namespace tidelimit::serve
