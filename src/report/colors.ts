/** Functions that paint a text: those of picocolors' `createColors()`, or `PLAIN`, which paints nothing. */
export interface Colors {
  bold: (text: string) => string;
  dim: (text: string) => string;
  red: (text: string) => string;
  yellow: (text: string) => string;
  green: (text: string) => string;
}

const same = (text: string) => text;

export const PLAIN: Colors = { bold: same, dim: same, red: same, yellow: same, green: same };

export interface TextOptions {
  colors?: Colors;
  /** Columns of the terminal; default 80. */
  width?: number;
}
