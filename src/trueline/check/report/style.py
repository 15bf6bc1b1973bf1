"""The page's style: light and dark as the reader prefers, and fit for paper."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --line: #d9dee4; --page: #f6f7f9; --card: #fff;
  --must: #b3261e; --exact: #8a5a00; --legal: #57606a; --good: #1a7f37; --must-back: #fdeceb; --good-back: #e8f5ec;
  --code: #f2f4f7; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa4b2; --line: #313944; --page: #12161c;
  --card: #1a2028; --must: #ff8a80; --exact: #e3b341; --legal: #9aa4b2; --good: #6fdd8b; --must-back: #35191a;
  --good-back: #15301f; --code: #12161c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.05rem; margin: 0 0 .1rem; font-weight: 600; color: var(--soft); }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .2rem; }
h2 + p { margin: 0 0 1rem; color: var(--soft); }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .85rem; }
.target { font-size: 1.35rem; font-weight: 650; overflow-wrap: anywhere; margin: 0; }
.top { display: flex; gap: 1.5rem; align-items: center; background: var(--card); border: 1px solid var(--line);
  border-radius: 14px; padding: 1.4rem 1.6rem; margin-top: 1.2rem; }
.grade { flex: none; width: 6.2rem; height: 6.2rem; border-radius: 50%; display: grid; place-content: center;
  text-align: center; border: 5px solid currentColor; font-size: 2.3rem; font-weight: 700; line-height: 1; }
.grade small { display: block; font-size: .72rem; font-weight: 500; margin-top: .35rem; color: var(--soft); }
.spoken { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
.A { color: var(--good); } .B, .C { color: var(--exact); } .D, .F, .unknown { color: var(--must); }
.said { font-size: 1.2rem; font-weight: 600; margin: 0 0 .3rem; }
.said + p, .top p { margin: .15rem 0; } .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; overflow: hidden; }
td, th { padding: .45rem .8rem; text-align: left; border-top: 1px solid var(--line); vertical-align: top; }
tr:first-child > * { border-top: 0; } th { font-weight: 600; white-space: nowrap; }
.count { white-space: nowrap; } th.many { white-space: normal; max-width: 24rem; }
.marks { word-break: break-all; letter-spacing: .12em;
  font-family: ui-monospace, Menlo, "DejaVu Sans Mono", monospace; }
.pass { color: var(--good); } .wrong { color: var(--must); font-weight: 700; }
.differs { color: var(--exact); }
.unsupported, .skipped { color: var(--legal); } .unreachable { color: var(--exact); }
article { background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--legal);
  border-radius: 10px; padding: 1rem 1.2rem; margin: .9rem 0; break-inside: avoid; }
article.must { border-left-color: var(--must); } article.exact { border-left-color: var(--exact); }
article h3 { margin: 0; font-size: 1.02rem; display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: baseline; }
article h3 code { font-size: 1.02rem; font-weight: 700; } article h3 .soft { font-weight: 400; font-size: .88rem; }
.must h3 code, .must a { color: var(--must); } .exact h3 code, .exact a { color: var(--exact); }
th a { text-decoration: none; font-weight: 600; } th a:hover { text-decoration: underline; }
article p { margin: .35rem 0; }
dl { display: grid; grid-template-columns: 6rem 1fr; gap: .35rem .9rem; margin: .7rem 0 0;
  align-items: baseline; }
dt { color: var(--soft); font-size: .9rem; } dd { margin: 0; min-width: 0; }
pre { margin: 0; padding: .5rem .7rem; background: var(--code); border-radius: 7px; white-space: pre-wrap;
  overflow-wrap: anywhere; line-height: 1.45; }
pre.before { background: var(--must-back); } pre.after { background: var(--good-back); }
ul { margin: 0; padding-left: 1.1rem; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem; }
@media (max-width: 36rem) { .top { flex-direction: column; align-items: flex-start; } dl { grid-template-columns: 1fr; }
  dt { margin-top: .3rem; } td, th { padding: .4rem .5rem; } tr .soft, .said-of { display: none; }
  th a, th.many { white-space: normal; overflow-wrap: anywhere; } }
@media print { html { font-size: 11px; } tr { break-inside: avoid; } h2, h2 + p { break-after: avoid; }
* { print-color-adjust: exact; }
  body { background: #fff; font-size: 1rem; } main { max-width: none; padding: 0; }
  .top, table, article { border-color: #bbb; } a { color: inherit; } }
"""
