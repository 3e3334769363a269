export { printable } from '../errors.js';

/** Writes a number without decimals: `65,536`. */
export function number(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/**
 * Writes a ratio as percent with three significant digits: `12.3%`, `0.0046%`; `100%` is all of it, `–` is
 * `null`.
 */
export function percent(ratio: number | null): string {
  if (ratio === null) return '–';
  // What is less than all must not look like all.
  if (ratio < 1 && ratio > 0.999) return '99.9%';
  return `${significant(ratio * 100)}%`;
}

/** Writes a count with its noun: `1 check`, `2,048 checks`. */
export function counted(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Writes three significant digits without exponent or trailing zeros: `0.0046`, `12.3`, `1230`. */
export function significant(value: number): string {
  if (value === 0) return '0';
  const digits = Math.min(20, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Writes a quantity with three significant digits: `1.24 M`, `304 k`, `2,245`. */
export function quantity(value: number): string {
  const [size, unit] =
    value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e4 ? [1e3, ' k'] : [1, ''];
  return unit === '' ? number(value) : `${significant(value / size)}${unit}`;
}

/** Writes a time: `4.2 s`, `3 min 12 s`, `1 h 02 min`. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${significant(seconds)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds) % 60} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Cuts a text to `width` characters in the middle: `onnx::Mat…ul_361`. */
export function elide(text: string, width: number): string {
  const letters = [...text];
  if (letters.length <= width) return text;
  if (width <= 1) return '…'.slice(0, width);
  const head = Math.ceil((width - 1) / 2);
  return `${letters.slice(0, head).join('')}…${letters.slice(letters.length - (width - 1 - head)).join('')}`;
}
