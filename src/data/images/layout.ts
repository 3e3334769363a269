import { UserError } from '../../errors.js';
import { describeInput } from '../feeds.js';
import type { ModelInput } from '../types.js';
import type { Images } from './files.js';

/** Recipe by which one image becomes one row of the model's input. */
export interface Layout {
  /** Shape of a row, without the batch: [C, H, W], [H, W, C], [H, W] or [C·H·W]. */
  dims: number[];
  /** Index into an image's pixels for every element of the row. */
  source: Int32Array;
  /** Every value is the mean of this many pixels, `source` holding them one after the other. */
  pixelsPerValue: number;
  /** Change that makes it fit, for a warning; `null` when there is none. */
  change: string | null;
}

/**
 * Fits images to an input: channels first, channels last or flattened; grey images are repeated for three
 * channels; sizes that are integer multiples are repeated or averaged.
 *
 * @throws UserError with both shapes when they cannot be fitted.
 */
export function fitImages(images: Images, input: ModelInput): Layout {
  const wanted = targetOf(images, input);
  if (wanted === null) throw misfit(images, input);
  const up = wanted.height / images.height;
  const down = images.height / wanted.height;
  const sameFactor = wanted.width / images.width === up;
  const channelsFit = wanted.channels === images.channels || (images.channels === 1 && wanted.channels === 3);
  if (!sameFactor || !channelsFit || !(Number.isInteger(up) || Number.isInteger(down)))
    throw misfit(images, input);
  const block = Number.isInteger(down) ? down : 1;
  const repeat = Number.isInteger(down) ? 1 : up;
  const { channels, height, width } = wanted;
  const source = new Int32Array(channels * height * width * block * block);
  let at = 0;
  const add = (channel: number, y: number, x: number) => {
    const plane = images.channels === 1 ? 0 : channel;
    for (let dy = 0; dy < block; dy++) {
      for (let dx = 0; dx < block; dx++) {
        const row = Math.floor(y / repeat) * block + dy;
        const column = Math.floor(x / repeat) * block + dx;
        source[at++] = (plane * images.height + row) * images.width + column;
      }
    }
  };
  if (wanted.channelsLast) {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) for (let channel = 0; channel < channels; channel++) add(channel, y, x);
  } else {
    for (let channel = 0; channel < channels; channel++)
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) add(channel, y, x);
  }
  const resized = up === 1 ? [] : [`resized from ${images.height}×${images.width} to ${height}×${width}`];
  const grey = channels === images.channels ? [] : [`grey repeated in ${channels} channels`];
  const change = [...resized, ...grey].join(', ') || null;
  return { dims: wanted.dims, source, pixelsPerValue: block * block, change };
}

interface Target {
  channels: number;
  height: number;
  width: number;
  channelsLast: boolean;
  dims: number[];
}

function targetOf(images: Images, input: ModelInput): Target | null {
  const shape = input.shape?.slice(1) ?? [null, null, null];
  const size = (axis: number, own: number) => {
    const value = shape[axis];
    return typeof value === 'number' ? value : own;
  };
  const { channels, height, width } = images;
  if (shape.length === 1) {
    const count = channels * height * width;
    return size(0, count) === count ? { channels, height, width, channelsLast: false, dims: [count] } : null;
  }
  if (shape.length === 2 && channels === 1) {
    const [h, w] = [size(0, height), size(1, width)];
    return { channels: 1, height: h, width: w, channelsLast: false, dims: [h, w] };
  }
  if (shape.length !== 3) return null;
  const isChannels = (axis: number) => shape[axis] === 1 || shape[axis] === 3;
  if (isChannels(2) && !isChannels(0)) {
    const [h, w, c] = [size(0, height), size(1, width), size(2, channels)];
    return { channels: c, height: h, width: w, channelsLast: true, dims: [h, w, c] };
  }
  const [c, h, w] = [size(0, channels), size(1, height), size(2, width)];
  return { channels: c, height: h, width: w, channelsLast: false, dims: [c, h, w] };
}

function misfit(images: Images, input: ModelInput): UserError {
  const size = `${images.channels}×${images.height}×${images.width}`;
  return new UserError(
    `Images of ${size} do not fit the model's input ${describeInput(input)}; convert them and supply arrays with --data feeds.npz.`,
    'data-bad-shape',
  );
}
