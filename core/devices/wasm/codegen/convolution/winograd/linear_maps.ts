/**
 * The linear maps of Winograd's F(4x4, 3x3) and F(2x2, 3x3) along one axis: B^T, A^T, A, G and G^T of Lavin and Gray, "Fast algorithms
 * for convolutional neural networks", 2016.
 *
 * A convolution of 4 (or 2) outputs by 3 filter elements is a product of polynomials: both are evaluated at 6 (or 4) points, multiplied
 * there, and the product is interpolated. The values at the points are called components here.
 *
 * @module
 */
import type { VectorCode } from "../../emit/vector_code.ts";

/** An algorithm F(tile x tile, 3 x 3), and its maps. */
export interface WinogradForm {
  /** Outputs of a tile, and pixels of a patch, along one axis. */
  readonly tile: 2 | 4;
  readonly patch: 4 | 6;
  /** Components of a transformed square. */
  readonly components: number;
  /** B^T, G and A^T. */
  readonly patchToComponents: LinearMap;
  readonly filterToComponents: LinearMap;
  readonly componentsToTile: LinearMap;
}

/**
 * A linear map of a few vectors, which keep their values: calls `emit` for each of its outputs, in order. They are of use until it returns, or,
 * if there is a list for those that it makes, until these are released.
 */
export type LinearMap = (
  code: VectorCode,
  x: readonly number[],
  emit: (index: number, vector: number) => void,
  made?: number[],
) => void;

/** A value: a vector, or what sets one to it. */
type Value = number | ((to: number) => void);

/** What a linear map is written with. */
interface Terms {
  readonly add: (x: number, y: Value) => Value;
  readonly subtract: (x: number, y: number) => Value;
  readonly scale: (factor: number, x: number) => Value;
  /** factor * x + y */
  readonly multiplyAdd: (factor: number, x: number, y: Value) => Value;
  /** A vector that holds a value until the map is done. */
  readonly keep: (value: Value) => number;
}

/** A linear map from the terms of its outputs. */
function linearMap(outputs: (terms: Terms, x: readonly number[]) => readonly Value[]): LinearMap {
  return (code, x, emit, all) => {
    const kept: number[] = [];
    const make = (value: Value, held: number[]): number => {
      if (typeof value === "number") return value;
      const [to] = code.vectors(1);
      value(to);
      held.push(to);
      return to;
    };
    /** The last operand of a sum, which is computed where the sum shall be. */
    const last = (value: Value, to: number): number => {
      if (typeof value === "number") return value;
      value(to);
      return to;
    };
    const terms: Terms = {
      add: (x, y) => (to) => code.setSum(to, x, last(y, to)),
      subtract: (x, y) => (to) => code.setDifference(to, x, y),
      scale: (factor, x) => (to) => code.setScaled(to, factor, x),
      multiplyAdd: (factor, x, y) => (to) => code.setScaledSum(to, factor, x, last(y, to)),
      keep: (value) => make(value, kept),
    };
    outputs(terms, x).forEach((value, index) => {
      const made = all ?? [];
      emit(index, make(value, made));
      if (!all) code.releaseVectors(...made);
    });
    code.releaseVectors(...kept);
  };
}

/**
 * The polynomials are evaluated at 0, p, -p, q, -q and infinity. With 3/4 and 3/2 rounding errors are two to four times smaller
 * than with the usual 1 and 2, and the squares are exact.
 */
const p = 3 / 4;
const q = 3 / 2;
const p2 = p * p;
const q2 = q * q;
/** One over the product of the distances of a point from the other finite points: of 0, of p and -p, of q and -q. */
const weight0 = 1 / (p2 * q2);
const weightP = 1 / (2 * p2 * (p2 - q2));
const weightQ = 1 / (2 * q2 * (q2 - p2));

/** B^T of F(4, 3): 6 elements of a patch to 6 components. */
const patchToComponents = linearMap(({ multiplyAdd, keep }, [d0, d1, d2, d3, d4, d5]) => {
  const evenP = keep(multiplyAdd(-q2, d2, d4));
  const oddP = keep(multiplyAdd(-q2, d1, d3));
  const evenQ = keep(multiplyAdd(-p2, d2, d4));
  const oddQ = keep(multiplyAdd(-p2, d1, d3));
  const first = keep(multiplyAdd(-(p2 + q2), d2, d4));
  const last = keep(multiplyAdd(-(p2 + q2), d3, d5));
  return [
    multiplyAdd(p2 * q2, d0, first),
    multiplyAdd(p, oddP, evenP),
    multiplyAdd(-p, oddP, evenP),
    multiplyAdd(q, oddQ, evenQ),
    multiplyAdd(-q, oddQ, evenQ),
    multiplyAdd(p2 * q2, d1, last),
  ];
});

/** A^T: 6 components to 4 outputs of a tile. */
const componentsToTile = linearMap(({ add, subtract, scale, multiplyAdd, keep }, [m0, m1, m2, m3, m4, m5]) => {
  const sumP = keep(add(m1, m2));
  const differenceP = keep(subtract(m1, m2));
  const sumQ = keep(add(m3, m4));
  const differenceQ = keep(subtract(m3, m4));
  return [
    add(sumQ, add(sumP, m0)),
    multiplyAdd(q, differenceQ, scale(p, differenceP)),
    multiplyAdd(q2, sumQ, scale(p2, sumP)),
    multiplyAdd(q2 * q, differenceQ, multiplyAdd(p2 * p, differenceP, m5)),
  ];
});

/** A: the transpose, 4 elements of a tile's gradient to 6 components. */
export const tileToComponents = linearMap(({ multiplyAdd, keep }, [y0, y1, y2, y3]) => {
  const evenP = keep(multiplyAdd(p2, y2, y0));
  const oddP = keep(multiplyAdd(p2, y3, y1));
  const evenQ = keep(multiplyAdd(q2, y2, y0));
  const oddQ = keep(multiplyAdd(q2, y3, y1));
  return [
    y0,
    multiplyAdd(p, oddP, evenP),
    multiplyAdd(-p, oddP, evenP),
    multiplyAdd(q, oddQ, evenQ),
    multiplyAdd(-q, oddQ, evenQ),
    y3,
  ];
});

/** B: the transpose of B^T, 6 components of a gradient to what they add to the 6 elements of a patch. */
export const componentsToPatch = linearMap(({ add, subtract, scale, multiplyAdd, keep }, [c0, c1, c2, c3, c4, c5]) => {
  const sumP = keep(add(c1, c2));
  const differenceP = keep(subtract(c1, c2));
  const sumQ = keep(add(c3, c4));
  const differenceQ = keep(subtract(c3, c4));
  return [
    scale(p2 * q2, c0),
    multiplyAdd(-p * q2, differenceP, multiplyAdd(-q * p2, differenceQ, scale(p2 * q2, c5))),
    multiplyAdd(-(p2 + q2), c0, multiplyAdd(-q2, sumP, scale(-p2, sumQ))),
    multiplyAdd(-(p2 + q2), c5, multiplyAdd(p, differenceP, scale(q, differenceQ))),
    add(c0, add(sumP, sumQ)),
    c5,
  ];
});

/** G: 3 elements of a filter to 6 components. */
const filterToComponents = linearMap(({ scale, multiplyAdd, keep }, [w0, w1, w2]) => {
  const startP = keep(scale(weightP, w0));
  const startQ = keep(scale(weightQ, w0));
  const evenP = keep(multiplyAdd(weightP * p2, w2, startP));
  const evenQ = keep(multiplyAdd(weightQ * q2, w2, startQ));
  return [
    scale(weight0, w0),
    multiplyAdd(weightP * p, w1, evenP),
    multiplyAdd(-weightP * p, w1, evenP),
    multiplyAdd(weightQ * q, w1, evenQ),
    multiplyAdd(-weightQ * q, w1, evenQ),
    w2,
  ];
});

/** G^T: the transpose, 6 components to 3 elements of a filter's gradient. */
export const componentsToFilter = linearMap(({ add, subtract, scale, multiplyAdd, keep }, [u0, u1, u2, u3, u4, u5]) => {
  const sumP = keep(add(u1, u2));
  const differenceP = keep(subtract(u1, u2));
  const sumQ = keep(add(u3, u4));
  const differenceQ = keep(subtract(u3, u4));
  return [
    multiplyAdd(weightQ, sumQ, multiplyAdd(weightP, sumP, scale(weight0, u0))),
    multiplyAdd(weightQ * q, differenceQ, scale(weightP * p, differenceP)),
    multiplyAdd(weightQ * q2, sumQ, multiplyAdd(weightP * p2, sumP, u5)),
  ];
});

/** A quarter of the multiplications of the direct sum. */
export const tilesOf4: WinogradForm = {
  tile: 4,
  patch: 6,
  components: 36,
  patchToComponents,
  filterToComponents,
  componentsToTile,
};

/** Four ninths of them, but of less than half as many transformed filters; the points are 0, 1, -1 and infinity. */
export const tilesOf2: WinogradForm = {
  tile: 2,
  patch: 4,
  components: 16,
  patchToComponents: linearMap(({ add, subtract }, [d0, d1, d2, d3]) => [
    subtract(d0, d2),
    add(d1, d2),
    subtract(d2, d1),
    subtract(d3, d1),
  ]),
  filterToComponents: linearMap(({ scale, multiplyAdd, add, keep }, [w0, w1, w2]) => {
    const even = keep(scale(0.5, keep(add(w0, w2))));
    return [w0, multiplyAdd(0.5, w1, even), multiplyAdd(-0.5, w1, even), w2];
  }),
  componentsToTile: linearMap(({ add, subtract, keep }, [m0, m1, m2, m3]) => {
    const [sum, difference] = [keep(add(m1, m2)), keep(subtract(m1, m2))];
    return [add(m0, sum), add(m3, difference)];
  }),
};
