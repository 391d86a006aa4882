#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidelimit::cli::report {

/// How every page begins: only what begins so is written over by another.
inline constexpr std::string_view kMark = "<!doctype html>\n<!-- a report of tidelimit -->\n";

/// `text` safe inside HTML, attributes included; control and non-UTF-8 bytes as \xNN.
[[nodiscard]] std::string escape(std::string_view text);

/// A large figure with what it means.
struct Card {
  std::string figure;    ///< "12,345"
  std::string label;     ///< "requests"
  std::string detail;    ///< a line below; may be empty
  bool warning = false;  ///< drawn as something to look at
};

struct Column {
  std::string name;
  bool number = false;  ///< aligned to the right
};

/// One self-contained HTML page: no script, no font, no picture from elsewhere; readable by day and
/// by night, on paper and on a phone. All text handed in is escaped, but for add_html's.
///   Page page("What these limits would have done", "access.log, 10,000 requests");
///   page.add_cards({...}); page.add_section("Traffic"); page.add_html(render(plot));
///   page.add_table({{"endpoint"}, {"denied", true}}, rows);
///   store::write_file(path, page.html());
class Page {
 public:
  Page(std::string_view title, std::string_view subtitle);

  void add_cards(const std::vector<Card>& cards);
  void add_section(std::string_view title);
  void add_text(std::string_view text);
  void add_note(std::string_view text);  ///< set apart: what the reader must know
  /// Long tables show their first rows, the rest on demand; empty ones say `when_empty`.
  void add_table(const std::vector<Column>& columns,
                 const std::vector<std::vector<std::string>>& rows,
                 std::string_view when_empty = "none");
  void add_html(std::string_view html);

  [[nodiscard]] std::string html() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace tidelimit::cli::report
