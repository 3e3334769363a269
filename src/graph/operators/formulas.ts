/** Functions of one number that operators and activation functions share. */

export const sigmoid = (t: number): number => 1 / (1 + Math.exp(-t));

export const clamp = (t: number, low: number, high: number): number => Math.min(Math.max(t, low), high);

/** log(1 + exp(t)), without overflow. */
export const softplus = (t: number): number => (t > 30 ? t : Math.log1p(Math.exp(t)));

/** The error function by Abramowitz and Stegun 7.1.26, good to 1.5e-7. */
export function erf(t: number): number {
  const u = 1 / (1 + 0.3275911 * Math.abs(t));
  const poly =
    ((((1.061405429 * u - 1.453152027) * u + 1.421413741) * u - 0.284496736) * u + 0.254829592) * u;
  return Math.sign(t) * (1 - poly * Math.exp(-t * t));
}

/** GELU, x · Φ(x) (Hendrycks & Gimpel 2016). */
export const gelu = (t: number): number => 0.5 * t * (1 + erf(t / Math.SQRT2));

/** The approximation of GELU by tanh (Hendrycks & Gimpel 2016, section 2). */
export const geluTanh = (t: number): number =>
  0.5 * t * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (t + 0.044715 * t ** 3)));

export const mish = (t: number): number => t * Math.tanh(softplus(t));

export const hardSwish = (t: number): number => t * clamp(t / 6 + 0.5, 0, 1);

/** SELU's constants (Klambauer et al. 2017). */
export const SELU = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };

/** Rounds to the nearest whole number, halves to the even one, as ONNX does. */
export function roundEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
