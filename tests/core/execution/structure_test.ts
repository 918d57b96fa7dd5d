/**
 * Programs are found again by the structure of the graph: equal graphs compile nothing, and similar graphs are distinguished.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  add,
  compileCount,
  customVjp,
  div,
  flip,
  full,
  jit,
  maximum,
  mul,
  neg,
  pad,
  relu,
  reshape,
  sub,
  sum,
  type Tensor,
  tensor,
  toArray,
} from "../../../mod.ts";
import { testOnDevices } from "../../support/each_device.ts";

const ramp = () => tensor([[1, -2, 3], [4, 5, -6]]);

/** Many of these differ in one fact only: an operation, how it is wired, an attribute. */
const graphs: readonly ((x: Tensor) => Tensor)[] = [
  (x) => neg(x),
  (x) => relu(x),
  (x) => sub(x, neg(x)),
  (x) => sub(neg(x), x),
  (x) => sum(x, { axis: 0 }),
  (x) => sum(x, { axis: 1 }),
  (x) => sum(x, { axis: [0, 1] }),
  (x) => flip(x, { axis: 1 }),
  (x) => reshape(x, [3, 2]),
  (x) => reshape(x, [6]),
  (x) => pad(x, { low: [1, 0], high: [0, 1] }),
  (x) => pad(x, { low: [0, 1], high: [1, 0] }),
  (x) => mul(x, 2),
  (x) => mul(x, -2),
  (x) => mul(x, 0),
  (x) => mul(x, -0),
  (x) => div(x, 0),
  (x) => div(x, -0),
  (x) => maximum(x, Infinity),
  (x) => maximum(x, -Infinity),
  (x) => maximum(x, NaN),
  (x) => add(x, full([2, 3], 1)),
  (x) => add(x, full([1, 3], 1)),
  // Its attributes hold a function, a new one each time.
  (x) => customVjp((y: Tensor) => [mul(y, y), y], (y, g) => [mul(y, g)])(x),
];

testOnDevices("equal graphs are one program, and similar graphs are distinguished", async () => {
  const results: unknown[] = [];
  for (const graph of graphs) {
    const result = await toArray(graph(ramp()));
    assert.deepEqual(result, await toArray(jit(graph)(ramp())), `${graph}`);
    results.push(result);
  }
  const compiled = compileCount();
  for (const [i, graph] of graphs.entries()) assert.deepEqual(await toArray(graph(ramp())), results[i]);
  assert.equal(compileCount(), compiled);
});
