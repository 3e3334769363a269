import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { fullName, METRIC_NAMES, METRICS, type MetricName } from './names.js';
import type { Sample } from './samples.js';

export type Exposition = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES = {
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
} as const;

export interface Exporter {
  /** The exposition of what `samples` gives now. */
  render(format: Exposition): Promise<string>;
}

/**
 * Renders samples through prom-client. Its own Histogram can only observe single values, so ours hand over what was
 * counted; `samples` is asked once per rendering.
 *
 * @param processMetrics Also the metrics of this process: CPU, memory, event loop, garbage collection.
 */
export function exporter(samples: () => Iterable<Sample>, { processMetrics = false } = {}): Exporter {
  // prom-client renames a counter for good when it renders OpenMetrics, so each format has a registry of its own.
  const registries = new Map<Exposition, { registry: Registry; fill: (all: Iterable<Sample>) => void }>();
  const prepared = (format: Exposition) => {
    const known = registries.get(format);
    if (known) return known;
    const registry = new Registry();
    registry.setContentType(CONTENT_TYPES[format] as typeof Registry.PROMETHEUS_CONTENT_TYPE);
    if (processMetrics) collectDefaultMetrics({ register: registry });
    const tables = new Map(METRIC_NAMES.map((name) => [name, new SampleTable(name)]));
    const fresh = {
      registry,
      fill: (all: Iterable<Sample>) => {
        for (const [name, table] of tables) {
          table.values = [];
          registry.removeSingleMetric(fullName(name));
        }
        for (const sample of all) tables.get(sample.metric)!.add(sample);
        // A metric without series is left out, not announced.
        for (const table of tables.values()) if (table.values.length > 0) table.register(registry);
      },
    };
    registries.set(format, fresh);
    return fresh;
  };
  return {
    render(format) {
      const { registry, fill } = prepared(format);
      fill(samples());
      return registry.metrics();
    },
  };
}

interface Value {
  metricName?: string;
  labels: Record<string, string>;
  value: number;
}

/** What prom-client asks a metric for. */
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

  /** Called after prom-client has cut `_total` off `name` for OpenMetrics. */
  get(): { name: string; help: string; type: string; values: Value[]; aggregator: string } {
    const { name, help, type, values, aggregator } = this;
    return { name, help, type, values, aggregator };
  }
}

/** Which of the two formats a scraper's `Accept` header prefers. */
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
