#include "ingest/csv_row.hpp"

#include <algorithm>

namespace tidelimit::ingest {

const std::vector<std::string_view>& CsvRow::split(std::string_view line) {
  fields_.clear();
  unquoted_.clear();
  unquoted_.reserve(line.size());  // views into it must not move while the line is cut
  for (std::string_view rest = line;;) {
    if (rest.starts_with('"')) {
      fields_.push_back(take_quoted(rest));
    } else {
      fields_.push_back(rest.substr(0, rest.find(separator_)));
      rest.remove_prefix(fields_.back().size());
    }
    if (rest.empty()) return fields_;
    rest.remove_prefix(1);  // the separator
  }
}

/// Takes a quoted field off the front of `rest`, up to the separator behind it.
std::string_view CsvRow::take_quoted(std::string_view& rest) {
  rest.remove_prefix(1);
  const std::size_t begin = unquoted_.size();
  for (;;) {
    const std::size_t quote = rest.find('"');
    unquoted_ += rest.substr(0, quote);
    rest = quote == rest.npos ? std::string_view{} : rest.substr(quote + 1);
    if (!rest.starts_with('"')) break;  // not a doubled quote: the field's end
    unquoted_ += '"';
    rest.remove_prefix(1);
  }
  rest.remove_prefix(std::min(rest.find(separator_), rest.size()));
  return std::string_view(unquoted_).substr(begin);
}

bool QuoteScan::read(std::string_view record) {
  for (;;) {
    const std::size_t quote = record.find('"', at_);
    if (quote == record.npos) {
      at_ = record.size();
      return true;
    }
    at_ = quote + 1;
    const char behind = at_ < record.size() ? record[at_] : separator_;
    if (!open_) {  // a quote opens a field only at its beginning
      open_ = quote == 0 || record[quote - 1] == separator_;
    } else if (behind == '"') {
      ++at_;
    } else if (behind == separator_ || behind == '\r') {
      open_ = false;
    } else {
      return false;
    }
  }
}

}  // namespace tidelimit::ingest
