import { readdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { isFloat } from '../../onnx/data-types.js';
import { automaticRows } from '../arrays/array-set.js';
import { arrayOf, elements, inputType } from '../arrays/convert.js';
import { rowSet } from '../arrays/row-set.js';
import { describeInputs, unfilled } from '../feeds.js';
import type { DataSpec, Warning } from '../spec.js';
import type { DataSet, ModelInput } from '../types.js';
import { hasImages, readImages } from './files.js';
import { fitImages } from './layout.js';

/** True if the folder holds images that this tool reads. */
export async function isImageFolder(path: string): Promise<boolean> {
  return hasImages(await readdir(path));
}

/**
 * Opens MNIST (idx) or CIFAR-10 (binary) images, scaled to [0, 1], in the layout of the model's image input,
 * with labels.
 *
 * @throws UserError when the model has no input for images, or they do not fit.
 */
export async function imageFolderSet(path: string, spec: DataSpec, warnings: Warning[]): Promise<DataSet> {
  const input = imageInput(spec.inputs);
  const images = await readImages(path, spec.split);
  const layout = fitImages(images, input);
  if (layout.change !== null) {
    warnings.push({
      code: 'images-changed',
      message: `The images were fitted to the model: ${layout.change}.`,
    });
  }
  const type = inputType(input.elemType, input.name);
  const size = images.channels * images.height * images.width;
  const { source, pixelsPerValue } = layout;
  const width = elements(layout.dims);
  const feed = (rows: number[]): NdArray => {
    const values = new Float32Array(rows.length * width);
    let at = 0;
    for (const row of rows) {
      for (let from = 0; from < source.length; from += pixelsPerValue) {
        let sum = 0;
        for (let step = 0; step < pixelsPerValue; step++)
          sum += images.pixels[row * size + source[from + step]!]!;
        values[at++] = sum / (255 * pixelsPerValue);
      }
    }
    return arrayOf(type, [rows.length, ...layout.dims], values);
  };
  const { labels } = images;
  const fixed = input.shape?.[0];
  return rowSet({
    source: {
      rows: images.count,
      positionsPerRow: 1,
      feeds: (rows) => ({ [input.name]: feed(rows) }),
      ...(labels === null
        ? {}
        : {
            labels: (rows: number[]) =>
              arrayOf(
                'int64',
                [rows.length],
                rows.map((row) => labels[row]!),
              ),
          }),
    },
    description: {
      name: basename(resolve(path)),
      variant: images.format,
      split: images.split,
      tokenizer: null,
      seqLen: null,
    },
    kind: 'image',
    fixedBatch: typeof fixed === 'number' && fixed > 0 ? fixed : null,
    batchSize: spec.batchSize,
    automaticBatch: automaticRows(width),
    maskable: layout.dims.length === 1,
    tokens: spec.tokens,
    shard: spec.shard,
    warnings,
  });
}

/** Returns the one floating-point input of rank 2 to 4. @throws UserError when there is another input. */
function imageInput(inputs: ModelInput[]): ModelInput {
  const candidates = inputs.filter((input) => {
    const rank = input.shape?.length ?? 4;
    return isFloat(input.elemType) && rank >= 2 && rank <= 4;
  });
  const input = candidates.find((each) => /pixel|image/i.test(each.name)) ?? candidates[0];
  if (input === undefined) {
    throw new UserError(
      `The model has no input for images: expected a floating-point one of 2 to 4 axes, found ${describeInputs(inputs)}.`,
      'input-unfilled',
    );
  }
  const other = inputs.find((each) => each !== input);
  if (other !== undefined) throw unfilled(other, 'images');
  return input;
}
