/**
 * Sums of products by letters: einsum, tensordot, inner and outer products.
 *
 * Every axis has a label. Two tensors are contracted at a time, by one matrix product whose batch, rows, columns and inner axis are the
 * labels that both keep, only the left, only the right, and neither keeps. So no intermediate is larger than what goes in or comes out.
 *
 * @module
 */
import { argument, aString, type Kind, kindOf, wholeList } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import { normalizeAxis, type Shape, showShape, sizeOf } from "../shape.ts";
import type { Tensor, TensorLike } from "../tensor.ts";
import { promoteAll } from "./arguments.ts";
import { asTensor } from "./literal.ts";
import { mul } from "./arithmetic.ts";
import { matmul } from "./matmul.ts";
import { permute, squeeze } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";
import { diagonal } from "./triangular.ts";

/** A tensor and the label of each axis. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

function reorder({ x, labels }: Labelled, order: readonly string[]): Tensor {
  return permute(x, order.map((label) => labels.indexOf(label)));
}

/** Sums over the labels that are not kept. */
function sumOut({ x, labels }: Labelled, keep: ReadonlySet<string>): Labelled {
  const axes = labels.flatMap((label, axis) => keep.has(label) ? [] : [axis]);
  return axes.length === 0 ? { x, labels } : { x: sum(x, { axis: axes }), labels: labels.filter((label) => keep.has(label)) };
}

/** The sum of products of two tensors over the labels that are not kept. */
function contract(a: Labelled, b: Labelled, keep: ReadonlySet<string>): Labelled {
  const left = sumOut(a, new Set([...keep, ...b.labels]));
  const right = sumOut(b, new Set([...keep, ...a.labels]));
  const shared = left.labels.filter((label) => right.labels.includes(label));
  const batch = shared.filter((label) => keep.has(label));
  const inner = shared.filter((label) => !keep.has(label));
  const rows = left.labels.filter((label) => !shared.includes(label));
  const columns = right.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...rows, ...columns];
  const extent = (label: string) =>
    left.labels.includes(label) ? left.x.shape[left.labels.indexOf(label)] : right.x.shape[right.labels.indexOf(label)];
  const extents = (list: readonly string[]): Shape => list.map(extent);
  const size = (list: readonly string[]) => sizeOf(extents(list));
  if (inner.length === 0 || (rows.length === 0 && columns.length === 0)) {
    // No label to sum over, or none that only one operand has: the elementwise product is no larger than the operands or the result.
    const ones = (list: readonly string[]): Shape => list.map(() => 1);
    const x = reshape(reorder(left, [...batch, ...rows, ...inner]), [
      ...extents([...batch, ...rows]),
      ...ones(columns),
      ...extents(inner),
    ]);
    const y = reshape(reorder(right, [...batch, ...columns, ...inner]), [
      ...extents(batch),
      ...ones(rows),
      ...extents([...columns, ...inner]),
    ]);
    const product = mul(x, y);
    return { x: sum(product, { axis: inner.map((_, i) => labels.length + i) }), labels };
  }
  const x = reshape(reorder(left, [...batch, ...rows, ...inner]), [size(batch), size(rows), size(inner)]);
  const y = reshape(reorder(right, [...batch, ...inner, ...columns]), [size(batch), size(inner), size(columns)]);
  return { x: reshape(matmul(x, y), extents(labels)), labels };
}

/** Contracts all, each time the two whose product takes the least work. */
function contractAll(tensors: readonly Labelled[], output: readonly string[]): Labelled {
  if (tensors.length === 1) return sumOut(tensors[0], new Set(output));
  let best: { readonly cost: number; readonly i: number; readonly j: number } | undefined;
  for (let j = 1; j < tensors.length; j++) {
    for (let i = 0; i < j; i++) {
      const extents = new Map(
        [tensors[i], tensors[j]].flatMap(({ x, labels }) => labels.map((label, axis) => [label, x.shape[axis]])),
      );
      const cost = sizeOf([...extents.values()]);
      if (!best || cost < best.cost) best = { cost, i, j };
    }
  }
  const { i, j } = best!;
  const others = tensors.filter((_, k) => k !== i && k !== j);
  const keep = new Set([...output, ...others.flatMap(({ labels }) => labels)]);
  return contractAll([...others.slice(0, i), contract(tensors[i], tensors[j], keep), ...others.slice(i)], output);
}

/** One operand's letters; the axes that "..." stands for are counted from the back, so that they are aligned as in broadcasting. */
interface Term {
  readonly letters: string;
  /** How many letters stand before "...", or undefined if it is not there. */
  readonly ellipsis: number | undefined;
}

function invalid(equation: string, why: string): TypeError {
  return new TypeError(`Cannot compute einsum "${equation}": ${why}`);
}

function parseTerm(text: string, equation: string): Term {
  const at = text.indexOf("...");
  const letters = at < 0 ? text : text.slice(0, at) + text.slice(at + 3);
  const wrong = letters.match(/[^A-Za-z]/);
  if (wrong) throw invalid(equation, `"${wrong[0]}" is neither a letter nor part of one "..." in a term`);
  return { letters, ellipsis: at < 0 ? undefined : at };
}

/** The labels of a term, by the number of axes: letters, and numbers for those of "...", the last being 0. */
function labelsOf({ letters, ellipsis }: Term, rank: number): string[] {
  const hidden = Array.from({ length: rank - letters.length }, (_, i) => String(rank - letters.length - 1 - i));
  return ellipsis === undefined ? [...letters] : [...letters.slice(0, ellipsis), ...hidden, ...letters.slice(ellipsis)];
}

/** An operand with its labels: an axis for each, none twice. */
function label(term: Term, operand: Tensor, equation: string): Labelled {
  const { letters, ellipsis } = term;
  if (ellipsis === undefined ? letters.length !== operand.rank : letters.length > operand.rank) {
    throw new ShapeError(
      `Cannot compute einsum "${equation}": "${letters}" names ${letters.length} axes, but the operand has shape ` +
        showShape(operand.shape),
      { equation, shape: operand.shape },
    );
  }
  let [x, labels] = [operand, labelsOf(term, operand.rank)];
  for (let axis = 0; axis < labels.length; axis++) {
    const again = labels.indexOf(labels[axis], axis + 1);
    if (again < 0) continue;
    if (x.shape[axis] !== x.shape[again]) {
      throw new ShapeError(
        `Cannot compute einsum "${equation}": "${labels[axis]}" names axes of extents ${x.shape[axis]} and ${x.shape[again]}`,
        { equation, shape: operand.shape },
      );
    }
    x = diagonal(x, { axis: [axis, again] });
    labels = [...labels.filter((_, i) => i !== axis && i !== again), labels[axis]];
    axis--;
  }
  return { x, labels };
}

/** The labels of the result: those after "->", or "..." and then, in alphabetical order, every letter that appears once. */
function outputLabels(output: string | undefined, terms: readonly Term[], hidden: number, equation: string): string[] {
  const all = terms.map(({ letters }) => letters).join("");
  if (output === undefined) {
    const once = [...all].filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter)).sort();
    return [...labelsOf({ letters: "", ellipsis: 0 }, hidden), ...once];
  }
  const term = parseTerm(output, equation);
  for (const [i, letter] of [...term.letters].entries()) {
    if (!all.includes(letter)) throw invalid(equation, `"${letter}" of the output is in no input`);
    if (term.letters.indexOf(letter) !== i) throw invalid(equation, `"${letter}" is twice in the output`);
  }
  return labelsOf(term, term.letters.length + (term.ellipsis === undefined ? 0 : hidden));
}

/** Checks that a label means one extent everywhere; under "..." an axis of 1 broadcasts, so it drops out. */
function agree(tensors: readonly Labelled[], equation: string): Labelled[] {
  const extents = new Map<string, number>();
  for (const { x, labels } of tensors) {
    for (const [axis, label] of labels.entries()) {
      const [known, extent] = [extents.get(label), x.shape[axis]];
      const broadcasts = /\d/.test(label);
      if (known === undefined || (broadcasts && known === 1)) extents.set(label, extent);
      else if (known !== extent && !(broadcasts && extent === 1)) {
        throw new ShapeError(
          `Cannot compute einsum "${equation}" of shapes ${tensors.map(({ x }) => showShape(x.shape)).join(", ")}: ` +
            `${broadcasts ? '"..."' : `"${label}"`} stands for axes of extents ${known} and ${extent}`,
          { equation, label, extents: [known, extent] },
        );
      }
    }
  }
  return tensors.map(({ x, labels }) => {
    const axes = labels.flatMap((label, axis) => x.shape[axis] !== extents.get(label) ? [axis] : []);
    return { x: squeeze(x, { axis: axes }), labels: labels.filter((_, axis) => !axes.includes(axis)) };
  });
}

/**
 * The sum of products that an equation names by letters, as NumPy's and PyTorch's: one term of letters per operand, one letter per axis.
 * What has the same letter is multiplied along that axis; letters that are not in the output are summed over. A letter twice in a term
 * takes the diagonal, "..." stands for axes that are broadcast. Without "->", the output has the letters that appear once, in
 * alphabetical order.
 *
 * ```ts
 * import { einsum, tensor, toArray } from "../../mod.ts";
 * const x = tensor([[1, 2], [3, 4]]);
 * console.log(await toArray(einsum("ij,jk->ik", x, x))); // [[7, 10], [15, 22]]
 * console.log(await toArray(einsum("ii", x)), await toArray(einsum("ij->j", x))); // 5 [4, 6]
 * ```
 *
 * @param equation Spaces do not count.
 * @throws {TypeError} If the equation is not valid, or does not have a term for each operand.
 * @throws {ShapeError} If an operand has not as many axes as its term, or a letter stands for two extents.
 */
export function einsum(equation: string, ...operands: readonly TensorLike[]): Tensor {
  const [inputs, output, more] = argument(equation, aString, "equation", "einsum").replaceAll(/\s/g, "").split("->");
  if (more !== undefined) throw invalid(equation, `"->" appears twice`);
  const terms = inputs.split(",").map((term) => parseTerm(term, equation));
  if (terms.length !== operands.length) {
    throw invalid(equation, `it has ${terms.length} inputs, but ${operands.length} operands were given`);
  }
  const promoted = promoteAll(operands);
  const labelled = agree(terms.map((term, i) => label(term, promoted[i], equation)), equation);
  const hidden = Math.max(
    0,
    ...terms.map(({ letters, ellipsis }, i) => ellipsis === undefined ? 0 : promoted[i].rank - letters.length),
  );
  const wanted = outputLabels(output, terms, hidden, equation);
  return reorder(contractAll(labelled, wanted), wanted);
}

/** Which axes `tensordot` sums over. */
export interface TensordotOptions {
  /** Pairs of axes, those of x and those of y; or, as in NumPy, how many: the last ones of x with the first ones of y. Default 2. */
  readonly axis?: number | readonly [x: readonly number[], y: readonly number[]];
}

const axisLists: Kind<NonNullable<TensordotOptions["axis"]>> = kindOf(
  "a number of axes or two lists of axes",
  (value) => typeof value === "number" || Array.isArray(value) && value.length === 2 && value.every(wholeList.holds),
);
const tensordotOptions = optionTable<TensordotOptions>({ axis: axisLists });

/**
 * The sum of products over pairs of axes: the result has the other axes of x, then those of y.
 *
 * ```ts
 * import { ones, tensordot } from "../../mod.ts";
 * console.log(tensordot(ones([2, 3, 4]), ones([4, 3, 5]), { axis: [[1, 2], [1, 0]] }).shape); // [2, 5]
 * ```
 *
 * @throws {ShapeError} If paired axes have different extents, or there are fewer axes.
 */
export function tensordot(x: TensorLike, y: TensorLike, options: TensordotOptions = {}): Tensor {
  const { axis = 2 } = checkOptions(options, tensordotOptions, "tensordot");
  const [a, b] = promoteAll([x, y]);
  const count = (n: number) => Array.from({ length: n }, (_, i) => i);
  if (typeof axis === "number" && !(Number.isInteger(axis) && axis >= 0 && axis <= Math.min(a.rank, b.rank))) {
    throw new ShapeError(
      `Cannot take tensordot of ${showShape(a.shape)} and ${showShape(b.shape)} over ${axis} axes: a number counts them, ` +
        "a pair of lists names them",
      { shapes: [a.shape, b.shape], axis },
    );
  }
  const [from, to] = typeof axis === "number" ? [count(axis).map((i) => a.rank - axis + i), count(axis)] : axis;
  const left = from.map((each) => normalizeAxis(each, a.rank, "take tensordot"));
  const right = to.map((each) => normalizeAxis(each, b.rank, "take tensordot"));
  if (left.length !== right.length || left.some((each, i) => a.shape[each] !== b.shape[right[i]])) {
    throw new ShapeError(
      `Cannot take tensordot of ${showShape(a.shape)} and ${showShape(b.shape)} over axes [${from}] and [${to}]: ` +
        "the lists must be of one length, and the paired extents equal",
      { shapes: [a.shape, b.shape], axis: [from, to] },
    );
  }
  const labelsA = a.shape.map((_, i) => left.includes(i) ? `inner ${left.indexOf(i)}` : `x ${i}`);
  const labelsB = b.shape.map((_, i) => right.includes(i) ? `inner ${right.indexOf(i)}` : `y ${i}`);
  const wanted = [...labelsA, ...labelsB].filter((label) => !label.startsWith("inner"));
  return reorder(contractAll([{ x: a, labels: labelsA }, { x: b, labels: labelsB }], wanted), wanted);
}

/**
 * The sum of products over the last axes of both: of vectors the dot product; a scalar just multiplies.
 *
 * ```ts
 * import { inner, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(inner(tensor([[1, 2], [3, 4]]), tensor([10, 1])))); // [12, 34]
 * ```
 *
 * @throws {ShapeError} If the last axes have different extents.
 */
export function inner(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = [asTensor(x), asTensor(y)];
  return a.rank === 0 || b.rank === 0 ? mul(x, y) : tensordot(x, y, { axis: [[-1], [-1]] });
}

/**
 * All products of an element of one vector and one of another: [m] and [n] give [m, n].
 *
 * ```ts
 * import { outer, tensor, toArray } from "../../mod.ts";
 * console.log(await toArray(outer(tensor([1, 2]), tensor([10, 20])))); // [[10, 20], [20, 40]]
 * ```
 *
 * @throws {ShapeError} If they are not vectors.
 */
export function outer(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promoteAll([x, y]);
  if (a.rank !== 1 || b.rank !== 1) {
    throw new ShapeError(`Cannot take outer of ${showShape(a.shape)} and ${showShape(b.shape)}: two vectors are needed`, {
      shapes: [a.shape, b.shape],
    });
  }
  return mul(reshape(a, [a.size, 1]), b);
}
