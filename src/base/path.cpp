#include "base/path.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "base/percent_encoding.hpp"
#include "base/text.hpp"

namespace tidelimit {
namespace {

constexpr bool is_slash(char c) {
  return c == '/' || c == '\\';
}

/// Letters that mean nothing but themselves wherever they stand.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = 0; c < plain.size(); ++c)
    plain[c] = std::string_view("/.;%\\?#").find(static_cast<char>(c)) == std::string_view::npos;
  return plain;
}();
constexpr bool is_plain(char c) {
  return kPlain[static_cast<unsigned char>(c)];
}

/// Of "http://host/path" what begins at the path's slash, or nothing; so of "http:/path". Another
/// target as it is.
std::string_view without_origin(std::string_view target) {
  const auto colon = target.find_first_of(":/\\");
  if (colon == target.npos || !target.substr(colon).starts_with(":/")) return target;
  target.remove_prefix(colon + 1);
  if (!target.starts_with("//") || target.starts_with("///")) return target;
  return target.substr(std::min(target.find('/', 2), target.size()));
}

/// Without query and origin; a fragment may be there.
std::string_view path_of(std::string_view target) {
  return without_origin(target.substr(0, target.find('?')));
}

constexpr std::size_t kNotNormal = std::string_view::npos;

/// How much of a target is its path, if that is in its normal form already, as nearly all are.
std::size_t normal_size(std::string_view target) {
  if (!target.starts_with('/')) return kNotNormal;
  std::size_t size = 1;
  for (; size < target.size(); ++size) {
    const char c = target[size];
    if (is_plain(c)) continue;
    if (c == '?') break;
    // "//", "/./", "/../" and names that begin with a dot: left to the slow way, as the others.
    if ((c != '/' && c != '.') || target[size - 1] == '/') return kNotNormal;
  }
  return size > 1 && target[size - 1] == '/' ? kNotNormal : size;
}

/// Writes a path segment by segment: "" or "/a/b", and the segment that is being written. Needs
/// room for one byte more than it is given, and never has written more than that.
class SegmentWriter {
 public:
  SegmentWriter(char* out, PathReading reading)
      : out_(out), reading_(reading), in_host_((reading & kSlashesBeginHost) != 0) {
    open();
  }

  void put(char c) { out_[end_++] = c; }
  void separate() {
    close();
    open();
  }
  /// The length of the whole.
  std::size_t finish() {
    close();
    if ((reading_ & kEmptyIsSegment) != 0) fold_empty();
    if (end_ == 0) open();
    return end_;
  }

 private:
  void open() {
    begin_ = end_;
    out_[end_++] = '/';
  }
  void close() {
    const std::string_view segment(out_ + begin_ + 1, end_ - begin_ - 1);
    const bool resolves = (reading_ & kDotsAreNames) == 0;
    if (segment.empty()) {
      after_slashes_ = true;
      if ((reading_ & kEmptyIsSegment) == 0) end_ = begin_;
    } else if (std::exchange(in_host_, false) && after_slashes_) {
      end_ = begin_;
    } else if (resolves && segment == ".") {
      end_ = begin_;
    } else if (resolves && segment == "..") {
      end_ = begin_;
      while (end_ > 0 && out_[--end_] != '/') {
      }
    }
  }
  /// They are none to any pattern.
  void fold_empty() {
    std::size_t end = 0;
    for (std::size_t i = 0; i < end_; ++i)
      if (out_[i] != '/' || (i + 1 < end_ && out_[i + 1] != '/')) out_[end++] = out_[i];
    end_ = end;
  }

  char* out_;
  PathReading reading_;
  bool in_host_;                ///< or would be: no segment has been written yet
  bool after_slashes_ = false;  ///< there was an empty segment
  std::size_t begin_ = 0;       ///< where the slash of the last segment stands
  std::size_t end_ = 0;
};

/// Servers that drop `;parameters` do it before they decode: to them an escaped ';' or '/' is a
/// letter there. Not so those that get what was decoded before.
void write_segments(std::string_view path, PathReading reading, SegmentWriter& out) {
  const auto has = [reading](PathRule rule) { return (reading & rule) != 0; };
  const auto separates = [&](char c) { return c == '/' || (c == '\\' && has(kBackslashIsSlash)); };
  bool in_parameters = false;
  for (std::size_t i = !path.empty() && separates(path[0]) ? 1 : 0; i < path.size(); ++i) {
    char c = path[i];
    if (is_plain(c)) {
      if (!in_parameters) out.put(c);
      continue;
    }
    const int byte = percent_escape(path, i);
    const bool was_escaped = byte >= 0;
    if (was_escaped) {
      c = static_cast<char>(byte);
      i += 2;
    }
    const bool as_written = !was_escaped || has(kDecodedBefore);
    const bool is_letter = was_escaped && is_slash(c) && has(kEscapedSlashIsLetter);
    const bool separator = separates(c) && !is_letter;
    if (separator && c == '/' && as_written) in_parameters = false;
    if (in_parameters) continue;
    if (separator) {
      out.separate();
    } else if (is_letter) {
      for (const char letter : std::string_view(c == '/' ? "%2F" : "%5C")) out.put(letter);
    } else if (c == ';' && as_written && has(kParametersEndPath)) {
      return;
    } else if (c == ';' && as_written && !has(kParametersStay)) {
      in_parameters = true;
    } else {
      out.put(c);
    }
  }
}

}  // namespace

std::string_view normalise_path(std::string_view target, std::string& buffer, PathReading reading) {
  if (const std::size_t size = normal_size(target); size != kNotNormal)
    return target.substr(0, size);
  std::string_view path = path_of(target);
  if ((reading & kFragmentStays) == 0) path = path.substr(0, path.find('#'));
  buffer.resize(path.size() + 1);
  SegmentWriter out(buffer.data(), reading);
  write_segments(path, reading, out);
  buffer.resize(out.finish());
  return buffer;
}

PathReading differing_rules(std::string_view target) {
  const std::string_view path = path_of(target);
  PathReading rules = 0;
  bool dots = false;   // some segment is "." or ".."
  bool empty = false;  // some segment is
  bool begins = true;  // a segment, what comes next
  bool leads = true;   // there was nothing but slashes
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::size_t at = i;
    char c = path[i];
    const bool began = std::exchange(begins, false);
    const bool led = std::exchange(leads, false);
    if (is_plain(c)) continue;
    if (const int byte = percent_escape(path, i); byte >= 0) {
      c = static_cast<char>(byte);
      i += 2;
      if (c == '.') dots = true;
      if (c == ';') rules |= kDecodedBefore | kParametersEndPath;
      if (is_slash(c)) rules |= kEscapedSlashIsLetter;
    } else if (c == '.' && began) {
      const std::size_t rest = std::min(path.find_first_not_of('.', i), path.size());
      if (rest - i <= 2 && (rest == path.size() || !is_plain(path[rest]))) dots = true;
    } else if (c == ';') {
      rules |= kParametersStay | kParametersEndPath;
    } else if (c == '#') {
      rules |= kFragmentStays;
    }
    if (c == '\\') rules |= kBackslashIsSlash;
    begins = is_slash(c);
    leads = led && begins;
    if (at == 0 || !began || (!begins && c != ';')) continue;
    empty = true;
    if (led) rules |= kSlashesBeginHost;
  }
  if ((rules & kParametersStay) != 0 && (rules & kEscapedSlashIsLetter) != 0)
    rules |= kDecodedBefore;
  if (dots) rules |= kDotsAreNames;
  if (dots && empty) rules |= kEmptyIsSegment;
  return rules;
}

std::string_view without_case(std::string_view path, std::string& buffer) {
  if (std::none_of(path.begin(), path.end(), is_capital)) return path;
  buffer = to_lower(path);
  return buffer;
}

std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);  // its '/'
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
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
