/** Over-smoothing measures written down a second time, as their definitions read, for the tests. */

export interface Smoothness {
  dirichletEnergy: number;
  distanceToMean: number;
  degreeNormalisedDirichletEnergy: number;
  meanAverageDistance: number;
  effectiveRank: number;
  zeroShare: number;
}

/** @param rows X [nodes][features]. @param edges Listed edges; both directions of an undirected one. */
export function smoothness(rows: number[][], edges: [number, number][]): Smoothness {
  const nodes = rows.length;
  const neighbours = rows.map(() => new Set<number>());
  for (const [from, to] of edges) if (from !== to) neighbours[to]!.add(from);
  const pairs = neighbours.flatMap((set, i) => [...set].map((j) => [i, j] as const));
  const sum = (of: (i: number, j: number) => number) => pairs.reduce((total, [i, j]) => total + of(i, j), 0);
  const reach = neighbours.map((set) => Math.sqrt(1 + set.size));
  const mean = rows[0]!.map((_, k) => rows.reduce((total, row) => total + row[k]!, 0) / nodes);
  const singular = singularValues(rows);
  const total = singular.reduce((all, value) => all + value, 0);
  return {
    dirichletEnergy: Math.sqrt(sum((i, j) => apart(rows[i]!, rows[j]!)) / nodes),
    distanceToMean: Math.sqrt(rows.reduce((all, row) => all + apart(row, mean), 0)),
    degreeNormalisedDirichletEnergy:
      sum((i, j) =>
        apart(
          rows[i]!.map((value) => value / reach[i]!),
          rows[j]!.map((value) => value / reach[j]!),
        ),
      ) / 2,
    meanAverageDistance: sum((i, j) => 1 - cosine(rows[i]!, rows[j]!)) / nodes,
    effectiveRank:
      total === 0
        ? 0
        : Math.exp(
            -singular.reduce(
              (all, value) =>
                all + (value > 1e-7 * singular[0]! ? (value / total) * Math.log(value / total) : 0),
              0,
            ),
          ),
    zeroShare: rows.flat().filter((value) => value === 0).length / (nodes * mean.length),
  };
}

function apart(a: number[], b: number[]): number {
  return a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2, 0);
}

function cosine(a: number[], b: number[]): number {
  const [na, nb] = [Math.hypot(...a), Math.hypot(...b)];
  if (na === 0 || nb === 0) return na === nb ? 1 : 0;
  return a.reduce((sum, value, k) => sum + value * b[k]!, 0) / (na * nb);
}

/** One-sided Jacobi rotations: columns are turned until all are at right angles. Largest first. */
export function singularValues(rows: number[][]): number[] {
  const columns = rows[0]!.map((_, k) => rows.map((row) => row[k]!));
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    let turned = false;
    for (let p = 0; p < columns.length; p++) {
      for (let q = p + 1; q < columns.length; q++) {
        const [a, b] = [columns[p]!, columns[q]!];
        const [alpha, beta, gamma] = [dot(a, a), dot(b, b), dot(a, b)];
        if (Math.abs(gamma) <= 1e-15 * Math.sqrt(alpha * beta)) continue;
        turned = true;
        const zeta = (beta - alpha) / (2 * gamma);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        for (let i = 0; i < a.length; i++) {
          const [x, y] = [a[i]!, b[i]!];
          a[i] = c * (x - t * y);
          b[i] = c * (t * x + y);
        }
      }
    }
    if (!turned) break;
  }
  return columns.map((column) => Math.hypot(...column)).sort((a, b) => b - a);
}

/** Both directions of each edge. */
export function undirected(edges: [number, number][]): [number, number][] {
  return edges.flatMap(([a, b]): [number, number][] => [
    [a, b],
    [b, a],
  ]);
}
