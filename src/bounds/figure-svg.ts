import type { Figure, FigurePanel, FigureSeries } from './schema.js';

/** Okabe & Ito's palette, which colour-blind readers tell apart, and hues between for lists of many lines. */
const PALETTE = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9', '#555555'];

/**
 * Lines of one panel beyond this are coloured by their order and named at their ends by the panel's title.
 */
const MOST_NAMED = 6;
const GAP = { left: 58, right: 18, top: 34, bottom: 44 };
const HEADER = 46;
const LEGEND = 30;

/** The figure as an SVG of its own, drawn by Apache ECharts without a browser. */
export async function renderFigure(figure: Figure): Promise<string> {
  // 1 MB of library, which only figures need.
  const echarts = await import('echarts');
  const grid = gridOf(figure.panels.length);
  const legend = legendOf(figure);
  const width = grid.columns * grid.panelWidth;
  const height = HEADER + grid.rows * grid.panelHeight + (legend.length > 0 ? LEGEND : 0);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: 'Helvetica, Arial, sans-serif' },
      title: [
        { text: `Figure ${figure.figure}: ${figure.title}`, left: 12, top: 10, textStyle: { fontSize: 16 } },
        ...figure.panels.map((panel, i) => panelTitle(panel, place(i, grid))),
      ],
      legend: {
        show: legend.length > 0,
        data: legend,
        bottom: 6,
        itemWidth: 34,
        itemGap: 24,
        itemStyle: { opacity: 0 }, // the line alone
        textStyle: { fontSize: 12 },
      },
      grid: figure.panels.map((_, i) => box(place(i, grid), grid)),
      xAxis: figure.panels.map(({ x }, i) => ({ ...axis(x), gridIndex: i, ...named(x.label, 28) })),
      yAxis: figure.panels.map(({ y }, i) => ({ ...axis(y), gridIndex: i, ...named(y.label, 40) })),
      series: figure.panels.flatMap(({ series }, i) =>
        series.map((one, index) => ({ ...drawn(one, index, series.length), xAxisIndex: i, yAxisIndex: i })),
      ),
    });
    return `${still(chart.renderToSVGString())}\n`;
  } finally {
    chart.dispose();
  }
}

/**
 * Without what reacts to a mouse and without names that count up with every drawing: the same figure is the
 * same file.
 */
function still(svg: string): string {
  return svg
    .replace(/<style\b[\s\S]*?<\/style>\s*/g, '')
    .replace(/ (?:class="zr[^"]*"|ecmeta_\w+="[^"]*"|pointer-events="visible")/g, '')
    .replace(/\bzr\d+-/g, 'panel-');
}

interface Grid {
  columns: number;
  rows: number;
  panelWidth: number;
  panelHeight: number;
}

function gridOf(panels: number): Grid {
  const columns = panels > 6 ? 5 : Math.min(panels, 3);
  const small = panels > 6;
  return {
    columns,
    rows: Math.ceil(panels / columns),
    panelWidth: small ? 290 : 460,
    panelHeight: small ? 220 : 340,
  };
}

function place(index: number, { columns, panelWidth, panelHeight }: Grid): { left: number; top: number } {
  return {
    left: (index % columns) * panelWidth,
    top: HEADER + Math.floor(index / columns) * panelHeight,
  };
}

function box({ left, top }: { left: number; top: number }, { panelWidth, panelHeight }: Grid) {
  return {
    left: left + GAP.left,
    top: top + GAP.top,
    width: panelWidth - GAP.left - GAP.right,
    height: panelHeight - GAP.top - GAP.bottom,
  };
}

function panelTitle({ title }: FigurePanel, { left, top }: { left: number; top: number }) {
  return {
    text: title,
    left: left + GAP.left - 6,
    top: top + 8,
    textStyle: { fontSize: 13, fontWeight: 'normal' as const, color: '#222222' },
  };
}

function axis({ scale, ...limits }: FigurePanel['y'] | FigurePanel['x']) {
  const { min, max } = limits as { min?: number; max?: number };
  return {
    type: scale === 'linear' ? ('value' as const) : ('log' as const),
    ...(scale === 'log2' && { logBase: 2 }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    axisLine: { show: true, onZero: false, lineStyle: { color: '#888888' } },
    axisTick: { show: true },
    axisLabel: { fontSize: 11, color: '#333333', hideOverlap: true, formatter: short },
    splitLine: { lineStyle: { color: '#e8e8e8' } },
  };
}

/** `0.01`, `1`, `1,000`, `1e5` */
function short(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3))
    return value.toExponential(0).replace('+', '');
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

function named(name: string, nameGap: number) {
  return {
    name,
    nameLocation: 'middle' as const,
    nameGap,
    nameTextStyle: { fontSize: 12, color: '#333333' },
  };
}

function drawn({ name, line, color, step, points }: FigureSeries, index: number, of: number) {
  const paint = of > MOST_NAMED ? shade(index, of) : PALETTE[color % PALETTE.length]!;
  return {
    type: 'line' as const,
    name,
    symbol: 'none',
    clip: true,
    ...(step && { step: 'end' as const }),
    data: points.map(([x, y]) => [x, y ?? '-']),
    itemStyle: { color: paint },
    lineStyle: { color: paint, type: line, width: line === 'solid' ? 2 : 1.6 },
  };
}

/** From blue over green to orange, for lines that are one family. */
function shade(index: number, of: number): string {
  const hue = 230 - (200 * index) / Math.max(1, of - 1);
  return `hsl(${Math.round(hue)}, 70%, 42%)`;
}

/** Names that a reader needs: families are told by the title of their panel. */
function legendOf({ panels }: Figure): string[] {
  const few = panels.filter(({ series }) => series.length <= MOST_NAMED);
  return [...new Set(few.flatMap(({ series }) => series.map(({ name }) => name)))];
}
