import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { fullName, METRIC_NAMES, METRICS, type MetricName } from './names.js';
import type { Sample } from './samples.js';

export type Exposition = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES = {
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
} as const;

export interface Exporter {
  /** Renders the samples of this moment. */
  render(format: Exposition): Promise<string>;
}

export interface ExporterOptions {
  /** Gives the series that change at any time, such as the length of a queue. */
  live?: () => Iterable<Sample>;
  /** True to add the metrics of this process: CPU, memory, event loop, garbage collection. */
  processMetrics?: boolean;
}

/**
 * Renders samples through prom-client. Its own Histogram can only observe single values, so the tables here
 * hand over counts that are made elsewhere.
 *
 * @param stable Gives the series that change rarely. While it gives the same array, its text is not rendered
 *   again: formatting 1,400 series takes 5 ms, and they change only when an audit ends.
 */
export function exporter(
  stable: () => readonly Sample[],
  { live = () => [], processMetrics = false }: ExporterOptions = {},
): Exporter {
  // prom-client renames a counter for good when it renders OpenMetrics, so each format has registries of its
  // own.
  const renderers = new Map<Exposition, () => Promise<string>>();
  const rendererOf = (format: Exposition) => {
    const [kept, fresh] = [sampleRegistry(format, false), sampleRegistry(format, processMetrics)];
    let last: { samples: readonly Sample[]; text: Promise<string> } | null = null;
    return async () => {
      const samples = stable();
      if (last?.samples !== samples) last = { samples, text: kept(samples) };
      const [changing, unchanged] = await Promise.all([fresh(live()), last.text]);
      return joined(format, changing, unchanged);
    };
  };
  return {
    render(format) {
      const render = renderers.get(format) ?? rendererOf(format);
      renderers.set(format, render);
      return render();
    },
  };
}

/** Makes a function that renders samples with a registry of its own, which is filled anew each time. */
function sampleRegistry(
  format: Exposition,
  processMetrics: boolean,
): (samples: Iterable<Sample>) => Promise<string> {
  const registry = new Registry();
  registry.setContentType(CONTENT_TYPES[format] as typeof Registry.PROMETHEUS_CONTENT_TYPE);
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const tables = new Map(METRIC_NAMES.map((name) => [name, new SampleTable(name)]));
  return (samples) => {
    for (const [name, table] of tables) {
      table.values = [];
      registry.removeSingleMetric(fullName(name));
    }
    for (const sample of samples) tables.get(sample.metric)!.add(sample);
    // A metric without series is left out, not announced.
    for (const table of tables.values()) if (table.values.length > 0) table.register(registry);
    return registry.metrics();
  };
}

/** Joins expositions that share no metric. OpenMetrics ends with one EOF and takes no empty lines. */
function joined(format: Exposition, ...texts: string[]): string {
  if (format === 'prometheus') return texts.filter((text) => text.trim() !== '').join('\n');
  const bodies = texts.map((text) => text.replace(/# EOF\n$/, '').trim());
  return [...bodies.filter((body) => body !== ''), '# EOF\n'].join('\n');
}

interface Value {
  metricName?: string;
  labels: Record<string, string>;
  value: number;
}

/** One metric, with the members that prom-client asks for. */
class SampleTable {
  name = '';
  readonly help: string;
  readonly type: string;
  readonly aggregator = 'omit';
  values: Value[] = [];

  constructor(private readonly metric: MetricName) {
    this.help = METRICS[metric].help;
    this.type = METRICS[metric].type;
  }

  add({ labels, value, suffix }: Sample): void {
    this.values.push({ ...(suffix && { metricName: fullName(this.metric) + suffix }), labels, value });
  }

  register(registry: Registry): void {
    this.name = fullName(this.metric);
    registry.registerMetric(this as unknown as Metric);
  }

  /** Gives what prom-client formats. It calls this after it has cut `_total` off `name` for OpenMetrics. */
  get(): { name: string; help: string; type: string; values: Value[]; aggregator: string } {
    const { name, help, type, values, aggregator } = this;
    return { name, help, type, values, aggregator };
  }
}

/** Chooses the format that a scraper's `Accept` header prefers. */
export function negotiate(accept: string | undefined): Exposition {
  const quality = (type: string) => {
    const entry = accept
      ?.split(',')
      .map((part) => part.trim().toLowerCase())
      .find((part) => part.startsWith(type));
    return entry === undefined ? 0 : Number(/;\s*q=([\d.]+)/.exec(entry)?.[1] ?? 1);
  };
  const openMetrics = quality('application/openmetrics-text');
  return openMetrics > 0 && openMetrics >= quality('text/plain') ? 'openmetrics' : 'prometheus';
}
