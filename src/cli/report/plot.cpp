#include "cli/report/plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

#include "cli/report/axis.hpp"
#include "cli/report/page.hpp"

namespace tidelimit::cli::report {
namespace {

// Of the viewBox, in pixels at full width.
constexpr double kWidth = 1080;
constexpr double kLeft = 58;
constexpr double kRight = 14;
constexpr double kTop = 8;
constexpr double kBottom = 24;
constexpr std::size_t kPointsMax = 1000;  // a curve of more is thinned: about one a pixel
constexpr int kTimeTicks = 9;

const char* css_class(Ink ink) {
  constexpr std::array names{"traffic", "passed",  "forecast", "limit", "base",
                             "denied",  "reduced", "blocked",  "other"};
  return names[static_cast<std::size_t>(ink)];
}

/// Keeps one of every few points; of bars and steps the highest, so that no peak is lost.
Curve thinned(const Curve& curve) {
  const std::size_t every = (curve.x.size() + kPointsMax - 1) / kPointsMax;
  if (every <= 1) return curve;
  Curve out{curve.name, curve.ink, curve.shape, {}, {}, {}, curve.dashed};
  for (std::size_t i = 0; i < curve.x.size(); i += every) {
    const std::size_t end = std::min(i + every, curve.x.size());
    std::size_t pick = i;
    if (curve.shape == Shape::bars || curve.shape == Shape::steps) {
      for (std::size_t k = i; k < end; ++k) {
        if (!(curve.y[pick] >= curve.y[k])) pick = k;
      }
    }
    out.x.push_back(curve.x[i]);
    out.y.push_back(curve.y[pick]);
    if (!curve.low.empty()) out.low.push_back(curve.low[pick]);
  }
  return out;
}

struct Frame {
  double from, until, high, height;

  [[nodiscard]] double x(double at) const {
    const double clamped = std::clamp(at, from, until);
    return kLeft + (clamped - from) / (until - from) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y(double value) const {
    return kTop + height * (1 - std::clamp(value / high, 0.0, 1.0));
  }
};

/// A run of points without a gap, as path commands; `stepped` holds each value until the next x.
void trace(std::string& path, const Frame& frame, const std::vector<double>& x,
           const std::vector<double>& y, std::size_t begin, std::size_t end, bool stepped,
           double x_end, char first) {
  const auto out = std::back_inserter(path);
  for (std::size_t i = begin; i < end; ++i) {
    fmt::format_to(out, "{}{:.1f} {:.1f}", i == begin ? first : 'L', frame.x(x[i]), frame.y(y[i]));
    if (stepped) fmt::format_to(out, "H{:.1f}", frame.x(i + 1 < x.size() ? x[i + 1] : x_end));
  }
}

/// The same backwards, to close an area.
void trace_back(std::string& path, const Frame& frame, const Curve& c, std::size_t begin,
                std::size_t end, bool stepped, double x_end) {
  const auto out = std::back_inserter(path);
  for (std::size_t i = end; i-- > begin;) {
    const double low = frame.y(c.low.empty() ? 0.0 : c.low[i]);
    if (stepped) {
      fmt::format_to(out, "L{:.1f} {:.1f}", frame.x(i + 1 < c.x.size() ? c.x[i + 1] : x_end), low);
    }
    fmt::format_to(out, "L{:.1f} {:.1f}", frame.x(c.x[i]), low);
  }
  path += 'Z';
}

std::string draw(const Curve& whole, const Frame& frame) {
  const Curve c = thinned(whole);
  const bool filled = c.shape == Shape::bars || c.shape == Shape::band;
  const bool stepped = c.shape == Shape::bars || c.shape == Shape::steps;
  // The last value holds as long as the one before it, but for steps: those hold to the end.
  const std::size_t n = c.x.size();
  const double x_end =
      c.shape == Shape::bars && n > 1 ? c.x[n - 1] + (c.x[n - 1] - c.x[n - 2]) : frame.until;
  std::string path;
  for (std::size_t begin = 0; begin < n;) {
    if (std::isnan(c.y[begin])) {
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < n && !std::isnan(c.y[end])) ++end;
    trace(path, frame, c.x, c.y, begin, end, stepped, x_end, 'M');
    if (filled) trace_back(path, frame, c, begin, end, stepped, x_end);
    begin = end;
  }
  if (path.empty()) return {};
  return fmt::format(R"(<path class="{} {}{}" d="{}"/>)", filled ? "fill" : "stroke",
                     css_class(c.ink), c.dashed ? " dashed" : "", path);
}

/// Where the axis must reach to. A band may be wide beyond all sense: it is cut where it would
/// dwarf the curves.
double highest(const Plot& plot) {
  constexpr double kBandOverCurves = 2;
  double curves = 0;
  double bands = 0;
  for (const Curve& curve : plot.curves) {
    double& high = curve.shape == Shape::band ? bands : curves;
    for (std::size_t i = 0; i < curve.y.size(); ++i) {
      if (curve.x[i] <= plot.until && curve.y[i] > high) high = curve.y[i];
    }
  }
  return curves > 0 ? std::max(curves, std::min(bands, kBandOverCurves * curves)) : bands;
}

std::string grid(const Frame& frame, const std::vector<Tick>& levels) {
  std::string svg;
  for (const Tick& level : levels) {
    const double y = frame.y(level.at);
    svg += fmt::format(
        R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text x="{}" y="{:.1f}" class="y">{}</text>)",
        kLeft, kWidth - kRight, y, y, kLeft - 8, y + 4, level.label);
  }
  for (const Tick& tick : time_ticks(frame.from, frame.until, kTimeTicks)) {
    const double x = frame.x(tick.at);
    svg += fmt::format(
        R"(<line class="tick" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/><text x="{:.1f}" y="{:.1f}" class="x">{}</text>)",
        x, x, kTop + frame.height, kTop + frame.height + 4, x, kTop + frame.height + 18,
        tick.label);
  }
  return svg;
}

std::string legend(const Plot& plot) {
  std::string html;
  for (const Curve& c : plot.curves) {
    if (c.name.empty()) continue;
    const bool filled = c.shape == Shape::bars || c.shape == Shape::band;
    html += fmt::format(R"(<span><i class="{} {}{}"></i>{}</span>)", filled ? "box" : "rule",
                        css_class(c.ink), c.dashed ? " dashed" : "", escape(c.name));
  }
  return html;
}

}  // namespace

std::string render(const Plot& plot) {
  const auto levels = number_ticks(highest(plot), std::max(2, static_cast<int>(plot.height / 45)));
  const Frame frame{plot.from, std::max(plot.until, plot.from + 1), levels.back().at, plot.height};
  std::string svg = grid(frame, levels);
  for (const Curve& curve : plot.curves) svg += draw(curve, frame);
  svg += fmt::format(R"(<line class="axis" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft,
                     kWidth - kRight, kTop + plot.height, kTop + plot.height);
  return fmt::format(
      "<figure><figcaption><b>{}</b><em>{}</em><span class=\"legend\">{}</span></figcaption>"
      "<div class=\"wide\"><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg></div>"
      "</figure>\n",
      escape(plot.title), escape(plot.unit), legend(plot), kWidth, kTop + plot.height + kBottom,
      escape(plot.title), svg);
}

void stack(std::vector<Curve>& curves) {
  for (std::size_t c = 0; c < curves.size(); ++c) {
    curves[c].low.assign(curves[c].y.size(), 0.0);
    if (c == 0) continue;
    for (std::size_t i = 0; i < curves[c].y.size(); ++i) {
      curves[c].low[i] = curves[c - 1].y[i];
      curves[c].y[i] += curves[c].low[i];
    }
  }
}

}  // namespace tidelimit::cli::report
