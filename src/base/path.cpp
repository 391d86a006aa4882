#include "base/path.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tidelimit {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Of "http://host/path" what begins at the path's slash, or nothing; another target as it is.
std::string_view without_origin(std::string_view target) {
  if (target.empty() || target.front() == '/') return target;
  const auto scheme = target.find("://");
  if (scheme == target.npos) return target;
  const auto slash = target.find('/', scheme + 3);
  return slash == target.npos ? std::string_view() : target.substr(slash);
}

/// Without query and fragment.
std::string_view path_of(std::string_view target) {
  return without_origin(target.substr(0, target.find_first_of("?#")));
}

constexpr std::size_t kNotNormal = std::string_view::npos;

/// How much of a target is its path, if that is in its normal form already, as nearly all are.
std::size_t normal_size(std::string_view target) {
  if (!target.starts_with('/')) return kNotNormal;
  std::size_t size = 1;
  for (; size < target.size(); ++size) {
    const char c = target[size];
    if (c > '?') continue;  // most letters
    if (c == '?' || c == '#') break;
    if (c == '%' || c == ';') return kNotNormal;
    // "//", "/./", "/../" and names that begin with a dot: left to the slow way.
    if ((c == '/' || c == '.') && target[size - 1] == '/') return kNotNormal;
  }
  return size > 1 && target[size - 1] == '/' ? kNotNormal : size;
}

/// Without the `;parameters` of its segments. What ends them is what is written so: servers that
/// drop them do it before they decode, so an escaped ';' or '/' is a letter like others.
void decode(std::string_view path, PathReading reading, std::string& out) {
  bool in_parameters = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == ';') in_parameters = !reading.keeps_parameters;
    if (path[i] == '/') in_parameters = false;
    if (in_parameters) continue;
    if (path[i] == '%' && i + 2 < path.size()) {
      const int high = hex_digit(path[i + 1]);
      const int low = hex_digit(path[i + 2]);
      if (high >= 0 && low >= 0) {
        const char decoded = static_cast<char>(high * 16 + low);
        if (decoded == '/' && reading.escaped_slash_is_letter)
          out += "%2F";
        else
          out += decoded;
        i += 2;
        continue;
      }
    }
    out += path[i];
  }
}

/// Folds empty segments and, unless they are names, "." and ".." in place. The length left.
std::size_t fold_segments(std::string& buffer, bool dots_are_names) {
  std::size_t end = 0;  // of what is written: "" or "/a/b"
  std::size_t at = 0;
  while (at < buffer.size()) {
    std::size_t stop = buffer.find('/', at);
    if (stop == std::string::npos) stop = buffer.size();
    const std::string_view segment(buffer.data() + at, stop - at);
    if (segment == ".." && !dots_are_names) {
      while (end > 0 && buffer[--end] != '/') {
      }
    } else if (!segment.empty() && (segment != "." || dots_are_names)) {
      // There is room: a segment that is written had a slash before it, but for the first, which
      // the caller gave one.
      buffer[end++] = '/';
      for (std::size_t i = at; i < stop; ++i) buffer[end++] = buffer[i];
    }
    at = stop + 1;
  }
  return end;
}

/// Cuts the first segment off a path that begins with '/'.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

}  // namespace

std::string_view normalise_path(std::string_view target, std::string& buffer, PathReading reading) {
  if (const std::size_t size = normal_size(target); size != kNotNormal)
    return target.substr(0, size);
  const std::string_view path = path_of(target);
  buffer.clear();
  if (path.empty() || path.front() != '/') buffer += '/';
  decode(path, reading, buffer);
  buffer.resize(fold_segments(buffer, reading.dots_are_names));
  if (buffer.empty()) buffer = "/";
  return buffer;
}

bool has_other_readings(std::string_view target) {
  const std::string_view path = path_of(target);
  if (path.starts_with('.')) return true;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == ';') return true;
    if (path.substr(i).starts_with("/.") || starts_ignoring_case(path.substr(i), "%2F") ||
        starts_ignoring_case(path.substr(i), "%2E"))
      return true;
  }
  return false;
}

std::string_view without_case(std::string_view path, std::string& buffer) {
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (std::none_of(path.begin(), path.end(), is_capital)) return path;
  buffer = to_lower(path);
  return buffer;
}

bool path_matches(std::string_view pattern, std::string_view path) {
  if (pattern == "/" || path == "/") {
    return pattern == path || pattern == "/**";
  }
  while (!pattern.empty()) {
    if (pattern == "/**") return true;
    if (path.empty()) return false;
    const std::string_view wanted = take_segment(pattern);
    const std::string_view segment = take_segment(path);
    if (wanted != "*" && !equals_ignoring_case(wanted, segment)) return false;
  }
  return path.empty();
}

}  // namespace tidelimit
