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
      fields_.push_back(rest.substr(0, rest.find(',')));
      rest.remove_prefix(fields_.back().size());
    }
    if (rest.empty()) return fields_;
    rest.remove_prefix(1);  // the comma
  }
}

/// Takes a quoted field off the front of `rest`, up to the comma behind it.
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
  rest.remove_prefix(std::min(rest.find(','), rest.size()));
  return std::string_view(unquoted_).substr(begin);
}

}  // namespace tidelimit::ingest
