/** What a renderer paints with: picocolors' `createColors()` fits; `PLAIN` paints nothing. */
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
  /** Columns of the terminal; 80 unless told otherwise. */
  width?: number;
}
