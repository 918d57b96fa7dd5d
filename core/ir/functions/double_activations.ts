/**
 * Activations of neural networks in double precision.
 *
 * @module
 */
import type { Pair, pairArithmetic } from "./double_pairs.ts";

/** Creates them. The function stands alone (no imports, no outer names), so that its text can be part of a script. */
export function doubleActivations(pairs: ReturnType<typeof pairArithmetic>) {
  const { add, div, expm1, expParts, log1p, mul, neg, plus, product, scaled, sqrt, times, value } = pairs;
  /** sqrt(8 / pi), and 0.044715 times that. */
  const linear: Pair = [1.5957691216057308, -9.96930880911092e-17];
  const cubic: Pair = [0.07135481627260025, -6.175149918155315e-19];
  const seluAbove = 1.0507009873554805;
  const seluBelow: Pair = [1.7580993408473768, 1.41535193800845e-17];

  /** e^x = 2^n m for x up to 0, and as a pair, or nearly 0. */
  const powerOf = (x: Pair) => {
    const { n, p } = expParts(x);
    const m = plus(p, 1);
    const scale = 2 ** Math.max(n, -1000);
    return { n, m, e: [m[0] * scale, m[1] * scale] as const };
  };
  /** factor / (1 + e^-x) */
  const share = (x: Pair, factor: number): number => {
    const { n, m, e } = powerOf(x[0] < 0 ? x : neg(x));
    const under = plus(e, 1);
    return x[0] < 0 ? scaled(times(div(m, under), factor), n) : value(div([factor, 0], under));
  };

  const sigmoid = (x: number): number => x > 40 ? 1 : x < -750 ? 0 : Number.isNaN(x) ? x : share([x, 0], 1);
  /** What vanishes below and is x above, with its formula between. */
  const between = (least: number, most: number, f: (x: number) => number) => (x: number): number =>
    x > most ? x : x < least ? -0 : x === 0 || Number.isNaN(x) ? x : f(x);
  const silu = between(-800, 40, (x) => share([x, 0], x));
  const geluTanh = between(-22, 8, (x) => share(times(add(mul(product(x, x), cubic), linear), x), x));
  const mish = between(-800, 40, (x) => {
    const { n, m, e } = powerOf([-Math.abs(x), 0]);
    if (x < 0) {
      const above = plus(e, 2);
      return scaled(times(mul(m, div(above, plus(mul(e, above), 2))), x), n);
    }
    const above = plus(times(e, 2), 1);
    return value(times(div(above, add(above, times(mul(e, e), 2))), x));
  });
  const selu = (x: number): number => {
    if (!(x < 0)) return seluAbove * x;
    return x < -40 ? -seluBelow[0] : x > -1e-100 ? seluBelow[0] * x : value(mul(expm1([x, 0]), seluBelow));
  };
  const softplus = (x: number): number => {
    if (x > 40 || x < -750 || Number.isNaN(x)) return x < 0 ? 0 : x;
    const { n, m, e } = powerOf([-Math.abs(x), 0]);
    return x < -40 ? scaled(m, n) : value(plus(log1p(e), Math.max(x, 0)));
  };
  const isru = (x: number): number => {
    if (Math.abs(x) > 1e10) return Math.sign(x);
    return Math.abs(x) > 1e-100 ? value(div([x, 0], sqrt(plus(product(x, x), 1)))) : x;
  };
  const softsign = (x: number): number => Math.abs(x) > 1e20 ? Math.sign(x) : value(div([x, 0], plus([Math.abs(x), 0], 1)));
  return { softsign, sigmoid, silu, geluTanh, mish, selu, softplus, isru };
}
