#pragma once

#include <string_view>

namespace tidelimit::cli::report {

/// The style sheet of every report. Inks are plot.hpp's; their tints were chosen to stay apart for
/// colour-blind readers (after Okabe and Ito 2008).
inline constexpr std::string_view kStyle = R"(
:root{--paper:#fbfbfa;--sheet:#fff;--text:#1d2530;--quiet:#69727f;--line:#e4e6ea;--hair:#eef0f2;
--traffic:#3b6ea5;--passed:#a9c4de;--forecast:#e08a1e;--limit:#1d2530;--base:#9aa3ae;--denied:#c8372d;
--reduced:#e39a2d;--blocked:#7a3f98;--other:#4d9078;--warning:#fdf1e3}
@media(prefers-color-scheme:dark){:root{--paper:#14181d;--sheet:#1b2027;--text:#e2e6eb;--quiet:#8f99a6;
--line:#2f3741;--hair:#262d36;--traffic:#76a9dd;--passed:#3a5876;--forecast:#f0a94b;--limit:#e2e6eb;
--base:#6d7783;--denied:#ee6a5f;--reduced:#e9ad52;--blocked:#b98ad2;--other:#74bfa4;--warning:#3a2d1c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--text);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif}
main{max-width:1140px;margin:0 auto;padding:28px 20px 60px}
header{border-bottom:1px solid var(--line);padding-bottom:14px;margin-bottom:22px}
h1{font-size:25px;line-height:1.25;margin:0 0 4px;letter-spacing:-.01em}
header p{margin:0;color:var(--quiet)}
h2{font-size:18px;margin:34px 0 10px;letter-spacing:-.005em}
p{margin:8px 0;max-width:78ch}
.note{background:var(--warning);border-left:3px solid var(--reduced);padding:8px 14px;border-radius:0 6px 6px 0;max-width:none}
.empty{color:var(--quiet)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin:14px 0}
.card{background:var(--sheet);border:1px solid var(--line);border-radius:8px;padding:12px 14px}
.card.warning{border-color:var(--reduced);background:var(--warning)}
.card b{display:block;font-size:24px;line-height:1.2;font-variant-numeric:tabular-nums}
.card span{display:block}
.card em{display:block;font-style:normal;color:var(--quiet);font-size:13px}
figure{background:var(--sheet);border:1px solid var(--line);border-radius:8px;margin:12px 0;padding:12px 14px 6px}
figcaption{display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline;margin-bottom:4px}
figcaption em{font-style:normal;color:var(--quiet);font-size:13px}
.legend{margin-left:auto;display:flex;flex-wrap:wrap;gap:2px 14px;font-size:13px;color:var(--quiet)}
.legend i{display:inline-block;margin-right:6px;vertical-align:middle}
.legend .box{width:12px;height:10px;border-radius:2px}
.legend .rule{width:18px;height:0;border-top:2px solid}
.legend .rule.dashed{border-top-style:dashed}
svg{display:block;width:100%;min-width:760px;height:auto}
svg text{font-size:12px;fill:var(--quiet);font-variant-numeric:tabular-nums}
svg .x{text-anchor:middle}svg .y{text-anchor:end}
.grid{stroke:var(--hair)}.tick,.axis{stroke:var(--line)}
.stroke{fill:none;stroke-width:1.7;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.stroke.dashed{stroke-dasharray:5 4}
.fill{stroke:none}.fill.forecast,.box.forecast{opacity:.28}
.stroke.traffic,.rule.traffic{stroke:var(--traffic);border-color:var(--traffic)}
.stroke.passed,.rule.passed{stroke:var(--passed);border-color:var(--passed)}
.stroke.forecast,.rule.forecast{stroke:var(--forecast);border-color:var(--forecast)}
.stroke.limit,.rule.limit{stroke:var(--limit);border-color:var(--limit)}
.stroke.base,.rule.base{stroke:var(--base);border-color:var(--base)}
.stroke.denied,.rule.denied{stroke:var(--denied);border-color:var(--denied)}
.stroke.reduced,.rule.reduced{stroke:var(--reduced);border-color:var(--reduced)}
.stroke.blocked,.rule.blocked{stroke:var(--blocked);border-color:var(--blocked)}
.stroke.other,.rule.other{stroke:var(--other);border-color:var(--other)}
.fill.traffic,.box.traffic{fill:var(--traffic);background:var(--traffic)}
.fill.passed,.box.passed{fill:var(--passed);background:var(--passed)}
.fill.forecast,.box.forecast{fill:var(--forecast);background:var(--forecast)}
.fill.limit,.box.limit{fill:var(--limit);background:var(--limit)}
.fill.base,.box.base{fill:var(--base);background:var(--base)}
.fill.denied,.box.denied{fill:var(--denied);background:var(--denied)}
.fill.reduced,.box.reduced{fill:var(--reduced);background:var(--reduced)}
.fill.blocked,.box.blocked{fill:var(--blocked);background:var(--blocked)}
.fill.other,.box.other{fill:var(--other);background:var(--other)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--hair);vertical-align:top}
th{color:var(--quiet);font-weight:500;border-bottom-color:var(--line);white-space:nowrap}
.n{text-align:right;white-space:nowrap}
details{margin:6px 0}summary{cursor:pointer;color:var(--quiet)}
@media print{body{background:#fff}figure,tr{break-inside:avoid}}
)";

}  // namespace tidelimit::cli::report
