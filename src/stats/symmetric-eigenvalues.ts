/**
 * Computes the eigenvalues of a symmetric matrix, in no order: Householder's reduction to tridiagonal form,
 * then QL with implicit shifts (Wilkinson and Reinsch 1971, `tred1` and `imtql1`). O(size³); the matrix is
 * not changed.
 */
export function symmetricEigenvalues(matrix: Float64Array, size: number): Float64Array {
  const largest = matrix.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return new Float64Array(size);
  const scaled = matrix.map((value) => value / largest);
  const { diagonal, beside } = tridiagonal(scaled, size);
  implicitQl(diagonal, beside);
  return diagonal.map((value) => value * largest);
}

/** Reduces `a` in place by Householder reflections from the last row up; `beside[i]` couples i and i + 1. */
function tridiagonal(a: Float64Array, size: number): { diagonal: Float64Array; beside: Float64Array } {
  const diagonal = new Float64Array(size);
  const beside = new Float64Array(size);
  const p = new Float64Array(size);
  for (let k = size - 1; k > 0; k--) {
    const row = a.subarray(k * size, k * size + k);
    const norm = Math.hypot(...chunked(row));
    diagonal[k] = a[k * size + k]!;
    if (norm === 0 || k === 1) {
      beside[k - 1] = row[k - 1]!;
      continue;
    }
    const alpha = row[k - 1]! > 0 ? -norm : norm;
    beside[k - 1] = alpha;
    row[k - 1]! -= alpha;
    const half = -alpha * row[k - 1]!; // ‖v‖²/2, v being the row now
    if (half === 0) continue;
    let overlap = 0;
    for (let i = 0; i < k; i++) {
      let sum = 0;
      for (let j = 0; j < k; j++) sum += a[i * size + j]! * row[j]!;
      p[i] = sum / half;
      overlap += p[i]! * row[i]!;
    }
    const shift = overlap / (2 * half);
    for (let i = 0; i < k; i++) p[i]! -= shift * row[i]!;
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < k; j++) a[i * size + j]! -= row[i]! * p[j]! + p[i]! * row[j]!;
    }
  }
  diagonal[0] = a[0]!;
  return { diagonal, beside };
}

/** Returns partial norms, so that a long row is not more arguments than a call takes. */
function chunked(row: Float64Array): number[] {
  const parts: number[] = [];
  for (let at = 0; at < row.length; at += 4096) parts.push(Math.hypot(...row.subarray(at, at + 4096)));
  return parts;
}

/** Diagonalises a symmetric tridiagonal matrix; the eigenvalues end in `d`. */
function implicitQl(d: Float64Array, e: Float64Array): void {
  const size = d.length;
  for (let low = 0; low < size; low++) {
    for (let sweep = 0; sweep < 60; sweep++) {
      let end = low;
      while (end < size - 1) {
        const near = Math.abs(d[end]!) + Math.abs(d[end + 1]!);
        if (Math.abs(e[end]!) <= Number.EPSILON * near) break;
        end++;
      }
      if (end === low) break;
      let g = (d[low + 1]! - d[low]!) / (2 * e[low]!);
      let r = Math.hypot(g, 1);
      g = d[end]! - d[low]! + e[low]! / (g + (g >= 0 ? r : -r));
      let [sine, cosine, p] = [1, 1, 0];
      let split = false;
      for (let i = end - 1; i >= low; i--) {
        const f = sine * e[i]!;
        const b = cosine * e[i]!;
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1]! -= p;
          e[end] = 0;
          split = true;
          break;
        }
        sine = f / r;
        cosine = g / r;
        g = d[i + 1]! - p;
        r = (d[i]! - g) * sine + 2 * cosine * b;
        p = sine * r;
        d[i + 1] = g + p;
        g = cosine * r - b;
      }
      if (split) continue;
      d[low]! -= p;
      e[low] = g;
      e[end] = 0;
    }
  }
}
