#include <cmath>
#include <gmock/gmock.h>

#include "cli/report/axis.hpp"
#include "cli/report/page.hpp"
#include "cli/report/plot.hpp"

namespace tidelimit::cli::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> labels(const std::vector<Tick>& ticks) {
  std::vector<std::string> out;
  for (const Tick& tick : ticks) out.push_back(tick.label);
  return out;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Axis, RoundsNumbersUpToTheNextStep) {
  EXPECT_THAT(labels(number_ticks(87, 4)), ElementsAre("0", "50", "100"));
  EXPECT_THAT(labels(number_ticks(2100, 5)),
              ElementsAre("0", "500", "1,000", "1,500", "2,000", "2,500"));
  EXPECT_THAT(labels(number_ticks(0, 2)), ElementsAre("0", "0.5", "1"));
  EXPECT_EQ(number_ticks(std::nan(""), 2).back().at, 1);
}

TEST(Axis, PutsTimesOnRoundMoments) {
  const double midnight = 1'795'478'400;  // 2026-11-24T00:00:00Z
  EXPECT_THAT(labels(time_ticks(midnight - 3600, midnight + 3600, 4)),
              ElementsAre("23:00", "23:30", "24 Nov", "00:30", "01:00"));
  EXPECT_EQ(short_time(midnight + 37'815), "24 Nov 10:30:15");
}

TEST(Axis, ShortensNumbers) {
  EXPECT_EQ(short_number(1500), "1,500");
  EXPECT_EQ(short_number(12'345), "12.3 k");
  EXPECT_EQ(short_number(999.4), "999");
  EXPECT_EQ(short_number(999.7), "1,000");
  EXPECT_EQ(short_number(999'700), "1 M");
  EXPECT_EQ(short_number(-999.7e6), "-1 G");
}

TEST(Plot, DrawsEveryCurveAndBreaksItAtGaps) {
  Plot plot{.title = "Traffic of <payment>", .unit = "requests", .from = 0, .until = 300};
  plot.curves.push_back(
      {.name = "came", .ink = Ink::traffic, .x = {0, 100, 200, 300}, .y = {1, std::nan(""), 3, 4}});
  const std::string html = render(plot);
  EXPECT_THAT(html, HasSubstr("Traffic of &lt;payment&gt;"));
  EXPECT_EQ(count(html, "<path"), 1U);
  const auto path = html.substr(html.find("d=\""));
  EXPECT_EQ(count(path.substr(0, path.find("\"/>")), "M"), 2U) << path;
}

TEST(Plot, StaysInsideItsFrameAndFinite) {
  Plot plot{
      .title = "t", .from = 1000, .until = 1000, .curves = {{.x = {0, 5000}, .y = {-4, 1e300}}}};
  const std::string html = render(plot);
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
}

TEST(Plot, KeepsTheOnePeakOfManyPoints) {
  Plot plot{.title = "t", .from = 0, .until = 100'000};
  Curve bars{.shape = Shape::bars};
  for (int i = 0; i < 100'000; ++i) {
    bars.x.push_back(i);
    bars.y.push_back(i == 54'321 ? 1000 : 1);
  }
  plot.curves = {bars};
  const std::string html = render(plot);
  EXPECT_LT(html.size(), 100'000U);
  EXPECT_THAT(html, HasSubstr(" 8.0H")) << "the peak reaches the top of the frame";
}

/// The topmost label of the y axis.
std::string axis_end(const std::string& html) {
  const auto label = html.rfind("class=\"y\">") + 10;
  return html.substr(label, html.find('<', label) - label);
}

TEST(Plot, LetsNoBandDwarfTheCurves) {
  Plot plot{.title = "t", .from = 0, .until = 2};
  plot.curves = {{.shape = Shape::band, .x = {0, 1, 2}, .y = {20'000, 120, 110}, .low = {0, 0, 0}},
                 {.x = {0, 1, 2}, .y = {80, 100, 90}}};
  EXPECT_EQ(axis_end(render(plot)), "200") << "twice the highest curve: the band is cut there";
  plot.curves[0].y = {130, 120, 110};
  EXPECT_EQ(axis_end(render(plot)), "150") << "a band that fits is seen whole";
  plot.curves.pop_back();
  plot.curves[0].y = {20'000, 120, 110};
  EXPECT_EQ(axis_end(render(plot)), "20 k") << "alone it is all there is to see";
}

TEST(Plot, PilesCurvesUp) {
  std::vector<Curve> curves{{.x = {0, 1}, .y = {1, 2}}, {.x = {0, 1}, .y = {10, 20}}};
  stack(curves);
  EXPECT_THAT(curves[1].low, ElementsAre(1, 2));
  EXPECT_THAT(curves[1].y, ElementsAre(11, 22));
}

TEST(Page, EscapesWhatItIsHanded) {
  Page page("<script>", "a & b");
  page.add_table({{"path"}}, {{"/x?\"<img src=x>\x01\xff"}});
  const std::string html = page.html();
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, HasSubstr("&lt;img src=x&gt;\\x01\\xff"));
}

TEST(Page, HidesTheTailOfLongTables) {
  Page page("t", "");
  page.add_table({{"n", true}}, std::vector<std::vector<std::string>>(100, {"1"}));
  EXPECT_THAT(page.html(), HasSubstr("75 more"));
  page.add_table({{"n"}}, {}, "no verdicts");
  EXPECT_THAT(page.html(), HasSubstr("no verdicts"));
}

TEST(Plot, ScrollsRatherThanShrinksOnAPhone) {
  Page page("t", "");
  page.add_html(render({.title = "t", .curves = {{.x = {0, 1}, .y = {1, 2}}}}));
  EXPECT_THAT(page.html(), HasSubstr("<div class=\"wide\"><svg"));
  EXPECT_THAT(page.html(), HasSubstr("svg{display:block;width:100%;min-width:"));
}

TEST(Page, AsksNothingOfTheNetwork) {
  Page page("t", "");
  page.add_html(render({.title = "t", .curves = {{.x = {0, 1}, .y = {1, 2}}}}));
  EXPECT_THAT(page.html(), Not(HasSubstr("http")));
  EXPECT_THAT(page.html(), Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace tidelimit::cli::report
