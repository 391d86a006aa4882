#include "cli/report/page.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/report/style.hpp"

namespace tidelimit::cli::report {
namespace {

constexpr std::size_t kRowsShown = 25;
constexpr std::size_t kCellMax = 400;

std::string table_head(const std::vector<Column>& columns) {
  std::string html = "<tr>";
  for (const Column& column : columns) {
    html += fmt::format("<th{}>{}</th>", column.number ? " class=\"n\"" : "", escape(column.name));
  }
  return html + "</tr>";
}

std::string table_row(const std::vector<Column>& columns, const std::vector<std::string>& row) {
  std::string html = "<tr>";
  for (std::size_t i = 0; i < columns.size() && i < row.size(); ++i) {
    html += fmt::format("<td{}>{}</td>", columns[i].number ? " class=\"n\"" : "", escape(row[i]));
  }
  return html + "</tr>\n";
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : printable(text, kCellMax)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Page::Page(std::string_view title, std::string_view subtitle) : title_(escape(title)) {
  body_ = fmt::format("<header><h1>{}</h1><p>{}</p></header>\n", title_, escape(subtitle));
}

void Page::add_cards(const std::vector<Card>& cards) {
  body_ += "<div class=\"cards\">";
  for (const Card& card : cards) {
    body_ += fmt::format("<div class=\"card{}\"><b>{}</b><span>{}</span><em>{}</em></div>",
                         card.warning ? " warning" : "", escape(card.figure), escape(card.label),
                         escape(card.detail));
  }
  body_ += "</div>\n";
}

void Page::add_section(std::string_view title) {
  body_ += fmt::format("<h2>{}</h2>\n", escape(title));
}

void Page::add_text(std::string_view text) {
  body_ += fmt::format("<p>{}</p>\n", escape(text));
}

void Page::add_note(std::string_view text) {
  body_ += fmt::format("<p class=\"note\">{}</p>\n", escape(text));
}

void Page::add_table(const std::vector<Column>& columns,
                     const std::vector<std::vector<std::string>>& rows,
                     std::string_view when_empty) {
  if (rows.empty()) {
    body_ += fmt::format("<p class=\"empty\">{}</p>\n", escape(when_empty));
    return;
  }
  const auto table = [&](std::size_t from, std::size_t until) {
    std::string html = "<div class=\"wide\"><table>" + table_head(columns);
    for (std::size_t i = from; i < until; ++i) html += table_row(columns, rows[i]);
    return html + "</table></div>\n";
  };
  body_ += table(0, std::min(rows.size(), kRowsShown));
  if (rows.size() > kRowsShown) {
    body_ += fmt::format("<details><summary>{} more</summary>{}</details>\n",
                         rows.size() - kRowsShown, table(kRowsShown, rows.size()));
  }
}

void Page::add_html(std::string_view html) {
  body_ += html;
}

std::string Page::html() const {
  return fmt::format(
      "{}<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<title>{}</title><style>{}</style></head>\n<body><main>\n{}</main></body></html>\n",
      kMark, title_, kStyle, body_);
}

}  // namespace tidelimit::cli::report
