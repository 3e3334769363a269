import { z } from 'zod';
import { count, head, measured } from '../report/schema.js';

const positive = z.int().positive();
const probability = z.number().min(0).max(1);

const layer = z.object({
  id: z.string().nullable().describe('Site id in the model; null without one'),
  neurons: positive.describe('Units, or feature maps of a convolution'),
  parameters: count.describe('Weights and biases: if all are negative, nothing is alive downstream'),
});

export const boundsReportSchema = z
  .object({
    ...head,
    kind: z.literal('bounds'),
    network: z
      .object({
        model: z.object({ name: z.string(), path: z.string() }).nullable(),
        width: positive.nullable().describe('null when the layers of a model have different widths'),
        depth: positive,
        bias: z.boolean().nullable().describe('null when some layers of a model have one'),
        kernel: positive.nullable().describe('M of M × M kernels; null for dense layers'),
        layers: z.array(layer).describe('Layers of a model; empty without a model, where all are equal'),
      })
      .nullable()
      .describe('null when no network is described'),
    bounds: z
      .object({
        lower: probability.describe('∏(1−2^−n): also the probability that one given data point lives'),
        upper: probability.describe(
          '∏(1−2^−parameters) over all layers but the first; kernels span all N input maps: N²M²+N parameters',
        ),
        upperOneMap: probability
          .optional()
          .describe('Equation 22 as printed, for kernels that read one input map each: N(M²+1) parameters'),
        deathAtLeast: probability.describe('1 − upper, exact also where upper rounds to 1'),
        deathAtMost: probability.describe('1 − lower'),
      })
      .nullable(),
    width: z
      .object({
        probability: z.number().gt(0).lt(1),
        depth: positive,
        exact: z.number().describe('Equation 9: −log₂(1 − p^(1/k))'),
        width: positive.describe('The smallest width whose lower bound is at least p'),
      })
      .nullable()
      .describe('Width needed for the depth'),
    deepest: z
      .object({
        probability: z.number().gt(0).lt(1),
        width: positive,
        depth: count.nullable().describe('0: not even one layer; null: no limit in double precision'),
      })
      .nullable()
      .describe('Depth up to which the width keeps the probability'),
    simulation: z
      .object({
        networks: positive,
        points: positive,
        seed: z.int(),
        data: z.string(),
        weights: z.string(),
        living: count.describe('Networks in which some data point is alive at the output'),
        probability,
        interval: z.object({ low: probability, high: probability }).describe('95 %, Wilson'),
        aliveShare: probability.describe(
          'Share of data points alive, mean over networks: its expectation is the lower bound',
        ),
        agrees: z.boolean().describe('True if the interval meets [lower, upper]'),
        byDepth: z.array(count).describe('Living networks after each layer'),
        onnxruntime: z.string(),
        durationSeconds: z.number().nonnegative(),
      })
      .nullable(),
    figures: z.array(z.string()).describe('Files written'),
  })
  .meta({ title: 'Bounds on a living initialization, by activation-auditor' });

export type BoundsReport = z.infer<typeof boundsReportSchema>;

const scale = z.enum(['linear', 'log2', 'log10']);

/** A figure as data: `figure-N.json` holds it, and `figure-N.svg` is drawn from it. */
export const figureSchema = z.object({
  figure: positive,
  title: z.string(),
  parameters: z.record(z.string(), z.union([z.number(), z.string(), z.array(z.number())])),
  panels: z.array(
    z.object({
      title: z.string(),
      x: z.object({ label: z.string(), scale, max: z.number().optional() }),
      y: z.object({
        label: z.string(),
        scale,
        min: z.number().optional(),
        max: z.number().optional(),
      }),
      series: z.array(
        z.object({
          name: z.string(),
          line: z.enum(['solid', 'dashed', 'dotted']),
          color: z
            .int()
            .nonnegative()
            .describe('Index into the palette: the same quantity has the same colour in all panels'),
          step: z.boolean().optional(),
          points: z.array(z.tuple([z.number(), measured])),
        }),
      ),
    }),
  ),
});

export type Figure = z.infer<typeof figureSchema>;
export type FigurePanel = Figure['panels'][number];
export type FigureSeries = FigurePanel['series'][number];
