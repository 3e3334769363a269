/**
 * Style of the pages: system fonts, colours for light and dark, nothing from elsewhere. Text has a contrast
 * of at least 4.5 to its ground in both.
 */
export const style = `
:root { color-scheme: light dark; --text: #1c2127; --dim: #57606a; --page: #ffffff; --card: #f6f8fa; --edge: #d8dee4; --link: #0550ae;
  --good: #116329; --good-ground: #dafbe1; --bad: #a40e26; --bad-ground: #ffebe9; --busy: #0a4a94; --busy-ground: #ddf4ff;
  --wait: #57606a; --wait-ground: #eaeef2; --s0: #0550ae; --s1: #b35900; --s2: #6639ba; --s3: #1b7c83; --s4: #9a3b74; --heat: #b3161b; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --dim: #9aa4af; --page: #0d1117; --card: #161b22; --edge: #30363d; --link: #79b8ff;
    --good: #56d364; --good-ground: #12261e; --bad: #ff8f87; --bad-ground: #2d1517; --busy: #79c0ff; --busy-ground: #10233d;
    --wait: #9aa4af; --wait-ground: #21262d; --s0: #79b8ff; --s1: #f0a858; --s2: #c8a6ff; --s3: #5cd1c8; --s4: #ff9bd0; --heat: #ff7b72; }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--page); font: 15px/1.5 system-ui, sans-serif; }
header, main { width: min(76rem, 100% - 3rem); margin: 0 auto; }
main { padding-bottom: 4rem; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: .25rem 1rem; padding-top: 1rem; padding-bottom: .75rem; border-bottom: 1px solid var(--edge); }
nav { display: flex; gap: 1.25rem; }
.home { font-weight: 650; color: var(--text); text-decoration: none; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--page); padding: .25rem .75rem; z-index: 2; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1.5rem 0 .25rem; overflow-wrap: break-word; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
p { margin: .35rem 0; }
.dim { color: var(--dim); }
.facts { display: flex; flex-wrap: wrap; gap: .25rem .6rem; align-items: center; margin: .5rem 0; }
.terms { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .75rem 0; }
.terms dt { color: var(--dim); } .terms dd { margin: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; list-style: none; padding: 0; margin: 1rem 0 1.25rem; }
.tile { padding: .6rem .9rem; border: 1px solid var(--edge); border-radius: 8px; background: var(--card); color: var(--dim); font-size: .9rem; line-height: 1.35; }
.tile strong { display: block; font-size: 1.5rem; font-weight: 600; color: var(--text); font-variant-numeric: tabular-nums; }
.tile.failed strong, .tile.gate-failed strong { color: var(--bad); } .tile.healthy strong { color: var(--good); } .tile.zero strong { color: var(--dim); }
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: 0 0 .75rem; font-size: .9rem; }
.tools[hidden] { display: none; }
.scroll { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; border: 1px solid var(--edge); border-radius: 8px; overflow: hidden; }
th, td { padding: .45rem .7rem; text-align: left; border-bottom: 1px solid var(--edge); vertical-align: top; }
thead th { background: var(--card); font-size: .82rem; font-weight: 600; color: var(--dim); white-space: nowrap; }
tbody th { font-weight: 600; overflow-wrap: break-word; min-width: 9rem; }
tbody tr:hover > * { background: var(--card); }
tbody tr:last-child > * { border-bottom: 0; }
td.number, th.number { text-align: right; white-space: nowrap; }
.nowrap { white-space: nowrap; }
td.actions { white-space: nowrap; text-align: right; }
th[aria-sort=ascending] button::after { content: ' ↑'; } th[aria-sort=descending] button::after { content: ' ↓'; }
th button { all: unset; cursor: pointer; } th button:hover { color: var(--text); } th button:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.badge { display: inline-block; padding: .05rem .55rem; border-radius: 99px; font-size: .85rem; font-weight: 600; white-space: nowrap; color: var(--wait); background: var(--wait-ground); }
.badge.passed { color: var(--good); background: var(--good-ground); } .badge.failed { color: var(--bad); background: var(--bad-ground); }
.badge.running { color: var(--busy); background: var(--busy-ground); }
.before { opacity: .8; } .failed { color: var(--bad); }
.reason { margin: .2rem 0 0; max-width: 38rem; font-size: .88rem; font-weight: 400; color: var(--dim); overflow-wrap: anywhere;
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
td > .reason { margin-top: 0; }
.alert { border: 1px solid var(--bad); border-radius: 8px; padding: .6rem .9rem; margin: .75rem 0; background: var(--bad-ground); overflow-wrap: anywhere; }
svg { display: block; } .on-narrow { display: none; } svg.spark { overflow: visible; } svg.chart { width: 100%; height: auto; max-width: 60rem; margin: .75rem 0; }
.series-0 { --line: var(--s0); } .series-1 { --line: var(--s1); } .series-2 { --line: var(--s2); } .series-3 { --line: var(--s3); } .series-4 { --line: var(--s4); }
svg.spark { --line: var(--s0); }
.line { fill: none; stroke: var(--line); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.dot { fill: var(--line); } .hit { fill: transparent; } g:hover > .dot { r: 5px; }
.grid { stroke: var(--edge); } .tick { fill: var(--dim); font-size: 12px; } .bar { fill: var(--s0); }
.limit { stroke: var(--bad); stroke-dasharray: 6 4; } .limit-name { fill: var(--bad); font-size: 12px; }
.heat { fill: var(--heat); } .lane { fill: var(--wait-ground); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: .5rem 0; font-size: .9rem; }
.key { display: inline-block; width: 1rem; height: 3px; margin-right: .45rem; vertical-align: middle; background: var(--line); }
.jobs { list-style: none; padding: 0; margin: 0; }
.jobs li { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1rem; padding: .5rem .9rem; margin: .5rem 0; background: var(--card); border: 1px solid var(--edge); border-radius: 8px; }
.rules { list-style: none; padding: 0; } .rules li { margin: .4rem 0; }
progress { flex: 0 1 14rem; accent-color: var(--busy); }
.empty { padding: 1.5rem; background: var(--card); border: 1px solid var(--edge); border-radius: 8px; }
label, input, select, button { font: inherit; }
input, select, button, .button { padding: .25rem .7rem; border: 1px solid var(--edge); border-radius: 6px; background: var(--page); color: var(--text); font-size: .9rem; }
button, .button { display: inline-block; cursor: pointer; text-decoration: none; line-height: 1.5; background: var(--card); }
button:disabled { cursor: default; color: var(--dim); }
button:hover:enabled, .button:hover { border-color: var(--dim); }
.inline { display: inline; }
details { border: 1px solid var(--edge); border-top-width: 0; padding: .5rem .9rem; } summary { cursor: pointer; font-weight: 600; }
p + details { border-top-width: 1px; border-radius: 8px 8px 0 0; margin-top: .5rem; } details:last-child { border-radius: 0 0 8px 8px; } p + details:last-child { border-radius: 8px; }
.indices { font-variant-numeric: tabular-nums; color: var(--dim); overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .75rem .9rem; background: var(--card); border: 1px solid var(--edge); border-radius: 8px; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
#tip { position: fixed; z-index: 3; max-width: 22rem; padding: .25rem .6rem; border-radius: 6px; background: var(--text); color: var(--page); font-size: .85rem; pointer-events: none; }
@media (max-width: 48rem) {
  header, main { width: calc(100% - 2rem); }
  .tile:first-child { grid-column: 1 / -1; }
  table.cards, .cards tbody, .cards tr, .cards th, .cards td { display: block; }
  table.cards { border: 0; overflow: visible; }
  .cards thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .cards tbody tr { border: 1px solid var(--edge); border-radius: 8px; padding: .6rem .9rem; margin: 0 0 .75rem; background: var(--card); }
  .cards tbody th, .cards tbody td { border: 0; padding: .2rem 0; min-width: 0; text-align: left; white-space: normal; }
  .cards tbody td[data-label] { display: flex; justify-content: space-between; gap: 1rem; }
  .cards tbody td[data-label]::before { content: attr(data-label); color: var(--dim); flex: none; }
  .cards tbody td.wide { display: block; } .cards tbody td.wide::before, .cards tbody td.actions::before { content: none; }
  .cards tbody .nowrap { white-space: nowrap; }
td.actions { justify-content: flex-start; margin-top: .3rem; }
  .terms { grid-template-columns: 1fr; gap: 0; } .terms dd { margin-bottom: .4rem; }
  .on-wide { display: none; } .on-narrow { display: block; }
  .scroll tbody th { position: sticky; left: 0; background: var(--page); min-width: 0; z-index: 1; } .scroll tr:hover th { background: var(--card); }
}
`;
