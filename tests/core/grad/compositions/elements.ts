/**
 * Numbers that carry their own derivatives.
 *
 * An element is a polynomial in infinitesimal directions e0, e1, ... with e e = 0, one for each derivative that is being taken, the
 * outermost first: (x + a e0) (y + b e1) = x y + a y e0 + x b e1 + a b e0 e1. The derivative by an argument is what stands at a
 * direction that was added to it.
 *
 * @module
 */

/** Coefficients by set of directions (bit i: direction i); those that are left out are zero. */
export type Element = readonly number[];

export function plus(x: Element, y: Element): Element {
  const [long, short] = x.length > y.length ? [x, y] : [y, x];
  return long.map((each, set) => each + (short[set] ?? 0));
}

/** How many coefficients an element has whose last one is this, so that all subsets of a set are there. */
const wholeLength = (length: number) => 2 ** Math.ceil(Math.log2(length));

export function times(x: Element, y: Element): Element {
  const product = new Array<number>(wholeLength(Math.max(x.length, y.length)));
  for (let set = 0; set < product.length; set++) {
    let total = x[0] * (y[set] ?? 0);
    for (let part = set; part > 0; part = (part - 1) & set) total += (x[part] ?? 0) * (y[set ^ part] ?? 0);
    product[set] = total;
  }
  return product;
}

/** f of an element by Taylor's series, which ends; `derivative(x, k)` is the k-th of f. */
export function series(x: Element, derivative: (x: number, order: number) => number): Element {
  const rest = [0, ...x.slice(1)];
  let [power, total, factorial]: [Element, Element, number] = [[1], [derivative(x[0], 0)], 1];
  for (let k = 1; 2 ** k <= wholeLength(x.length); k++) {
    power = times(power, rest);
    factorial *= k;
    const factor = derivative(x[0], k) / factorial;
    total = plus(total, power.map((each) => factor * each));
  }
  return total;
}

/** Derivatives of functions of one number, by their order. */
export const sine = (x: number, order: number) => Math.sin(x + order * Math.PI / 2);
export const exponential = (x: number) => Math.exp(x);
export const reciprocal = (x: number, order: number): number => order === 0 ? 1 / x : -order / x * reciprocal(x, order - 1);

/** Derivatives of tanh are polynomials p of t = tanh: p' (1 - t^2) is the next. */
export function hyperbolicTangent(x: number, order: number): number {
  let polynomial = [0, 1];
  for (let k = 0; k < order; k++) {
    const slope = polynomial.slice(1).map((each, i) => each * (i + 1));
    polynomial = Array.from({ length: slope.length + 2 }, (_, i) => (slope[i] ?? 0) - (slope[i - 2] ?? 0));
  }
  return polynomial.reduceRight((sum, each) => sum * Math.tanh(x) + each, 0);
}
