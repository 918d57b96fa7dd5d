/**
 * Tensors: how they are made, read, computed with, and what is said of those that do not fit.
 *
 * ```sh
 * deno run examples/tensors.ts
 * ```
 *
 * @module
 */
import {
  add,
  arange,
  at,
  div,
  dot,
  empty,
  item,
  matmul,
  mul,
  norm,
  ones,
  pow,
  random,
  reciprocal,
  reshape,
  sub,
  sum,
  tensor,
  transpose,
  zeros,
} from "../mod.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import { runChapters, show, showRefused } from "./cli/session.ts";

async function creation({ seed }: { readonly seed: number }): Promise<void> {
  const key = random.key(seed);
  await show(
    () => empty([3, 4]).shape,
    () => zeros([3, 4]),
    () => ones([3, 4]),
    () => tensor([[1, 2, 3, 4], [4, 5, 6, 7], [7, 8, 9, 0]]),
    () => random.uniform(key, [3, 4]),
    () => random.randint(key, [16], { max: 10 }),
    () => reshape(arange(9), [3, 3]),
    () => tensor(new Float64Array([1, 1, 1, 1, 1, 1]), { shape: [2, 3] }),
    () => tensor([true, false, true]),
    () => [zeros([3, 4]).shape, zeros([3, 4]).dtype],
  );
}

async function reading(): Promise<void> {
  const a = tensor([1, 2, 3]);
  await show(() => at(a, 0), () => item(at(a, 0)));
  await showRefused(() => item(a));

  const x = tensor([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]);
  await show(
    () => at(x, 1),
    () => at(x, [":", { start: 1, stop: 2 }]),
    () => at(x, [{ start: 1, stop: 3 }, { start: 0, stop: 3 }]),
    () => at(x, { start: -2 }),
    () => at(x, [":", [2, 1, 0]]),
    () => at(x, [[0, 1, 2], [2, 1, 0]]),
  );
  await showRefused(() => at(x, 3));
}

async function arithmetic(): Promise<void> {
  const x = tensor([[1, 2], [3, 4]]);
  const y = tensor([[5, 6], [7, 8]]);
  await show(
    () => add(x, y),
    () => sub(x, y),
    () => mul(x, y), // number by number: the product of matrices is matmul
    () => div(x, y),
    () => reciprocal(x),
    () => pow(x, y),
    () => add(x, 1),
  );
}

async function broadcasting(): Promise<void> {
  const column = tensor([[1], [2], [3]]);
  const row = tensor([[1, 2]]);
  await show(() => add(column, row));
  await showRefused(() => add(ones([3, 4]), ones([3, 5])));
}

async function linearAlgebra(): Promise<void> {
  const A = reshape(arange(6), [2, 3]);
  const B = reshape(arange(6), [3, 2]);
  const x = arange(3);
  await show(
    () => A,
    () => transpose(A),
    () => matmul(A, B),
    () => matmul(A, x),
    () => dot(x, x),
    () => norm(tensor([3, 4])),
  );
  await showRefused(() => matmul(A, A), () => norm(tensor([3, 4], { dtype: "i32" })));
}

async function axes(): Promise<void> {
  const a = ones([2, 3, 4]);
  await show(
    () => a,
    () => sum(a, { axis: 0 }),
    () => sum(a, { axis: 1 }),
    () => sum(a, { axis: 2 }),
    () => [0, 1, 2].map((axis) => sum(a, { axis, keepDims: true }).shape),
    () => sum(a),
  );
}

const command = exampleCommand(
  "tensors.ts",
  "Makes tensors, reads them, computes with them, and shows what is said of those that do not fit.",
);

if (import.meta.main) {
  await runExample(command, (options) =>
    runChapters(options, {
      "Creation": creation,
      "One number, rows, columns, pairs of positions": reading,
      "Arithmetic, number by number": arithmetic,
      "Broadcasting": broadcasting,
      "Linear algebra": linearAlgebra,
      "Sums along axes": axes,
    }));
}
