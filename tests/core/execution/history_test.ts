/** Pending graphs: long ones, and loops that read only part of what they compute. */
import assert from "node:assert/strict";
import {
  add,
  compileCount,
  data,
  exp,
  grad,
  item,
  jit,
  matmul,
  mean,
  mul,
  realize,
  sub,
  sum,
  tanh,
  type Tensor,
  tensor,
  valueAndGrad,
} from "../../../mod.ts";
import { topological } from "../../../core/walk.ts";
import { sourceOf } from "../../../core/tensor.ts";
import { assertClose, exact } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { noise } from "../../support/noise.ts";

/** How many tensors a tensor still needs to be computed. */
function pendingOf(x: Tensor): number {
  return topological([x], (each) => sourceOf(each).kind !== "op").length;
}

testOnDevices("twenty thousand operations one after the other overflow nothing", async () => {
  let x = tensor([1, 2]);
  for (let i = 0; i < 10_000; i++) x = add(mul(x, 0.5), 1);
  assert.ok(pendingOf(x) < 10_000, "part of them was computed on the way");
  assert.deepEqual([...await data(x)], [2, 2]);
});

testOnDevices("a chain of thousands inside grad and jit is one program, which is cut into kernels", async () => {
  const long = (x: Tensor) => {
    let y = x;
    for (let i = 0; i < 2500; i++) y = add(mul(y, 0.999), 0.001);
    return sum(y);
  };
  const before = compileCount();
  assertClose(
    await data(jit(grad(long))(tensor([1, 2]))),
    [0.999 ** 2500, 0.999 ** 2500],
    { relative: 1e-3, absolute: 0 },
    "gradient",
  );
  assert.equal(compileCount() - before, 1);
}, ["reference", "wasm"]);

testOnDevices("reading twice computes once more, and then no more", async () => {
  const x = tensor(noise(1, 100));
  const y = exp(x);
  const before = await item(sum(y));
  assert.equal(sourceOf(y).kind, "op", "so far only fused");
  await item(sum(mul(y, 2)));
  assert.equal(sourceOf(y).kind, "data", "needed again, so kept");
  assertClose([await item(sum(y))], [before], { relative: 1e-6, absolute: 0 }, "the sum again");
  // A product that exists only fused stays so: it is larger than all it is made from.
  const wide = mul(tensor(noise(1, 2000), { shape: [2000, 1] }), tensor(noise(2, 1000), { shape: [1, 1000] }));
  await item(sum(wide));
  await item(mean(mul(wide, wide)));
  assert.equal(sourceOf(wide).kind, "op");
}, ["wasm"]);

const x = tensor(noise(2, 64), { shape: [8, 8] });
const loss = (w: Tensor) => {
  const error = sub(matmul(tanh(matmul(x, w)), w), x);
  return mean(mul(error, error));
};

testOnDevices("a loop that reads only its loss keeps a short history and compiles nothing after its first steps", async () => {
  let w = tensor(noise(1, 64, 0.3), { shape: [8, 8] });
  let known = tensor(noise(1, 64, 0.3), { shape: [8, 8] });
  const losses: number[] = [];
  const expected: number[] = [];
  let afterSome = 0;
  for (let i = 0; i < 60; i++) {
    const [value, gradient] = valueAndGrad(loss)(w);
    w = sub(w, mul(gradient, 0.1));
    losses.push(await item(value));
    assert.ok(pendingOf(w) < 200, `step ${i}: ${pendingOf(w)} tensors pending`);
    if (i === 5) afterSome = compileCount();
  }
  assert.equal(compileCount(), afterSome);
  for (let i = 0; i < 60; i++) {
    const [value, gradient] = valueAndGrad(loss)(known);
    known = realize(sub(known, mul(gradient, 0.1)));
    expected.push(await item(value));
  }
  assertClose(losses, expected, { relative: 1e-4, absolute: 1e-6 }, "losses");
});

testOnDevices("a loop that reads nothing does not grow for ever either", async () => {
  let w = tensor(noise(1, 64, 0.3), { shape: [8, 8] });
  const steps = 250;
  let ofOneStep = 0;
  for (let i = 0; i < steps; i++) {
    w = sub(w, mul(grad(loss)(w), 0.1));
    if (i === 0) ofOneStep = pendingOf(w);
  }
  assert.ok(pendingOf(w) < 0.75 * steps * ofOneStep, `${pendingOf(w)} tensors pending, one step has ${ofOneStep}`);
  const jitted = jit((w: Tensor) => sub(w, mul(grad(loss)(w), 0.1)));
  let expected = tensor(noise(1, 64, 0.3), { shape: [8, 8] });
  for (let i = 0; i < steps; i++) expected = jitted(expected);
  assertClose(await data(w), await data(expected), { relative: 1e-2, absolute: 1e-3 }, "weights");
}, ["wasm"]);

testOnDevices("training steps that read nothing until the last one are one program, however many", async () => {
  const momentum = (steps: number) => {
    let [w, v] = [tensor(noise(1, 64, 0.3), { shape: [8, 8] }), tensor(noise(2, 64, 0), { shape: [8, 8] })];
    const longest: number[] = [];
    for (let i = 0; i < steps; i++) {
      v = add(mul(v, 0.5), grad(loss)(w));
      w = sub(w, mul(v, 0.1));
      longest.push(pendingOf(w));
    }
    return { w, longest };
  };
  const few = momentum(6);
  await data(few.w);
  const before = compileCount();
  const many = momentum(60);
  await data(many.w);
  assert.equal(compileCount(), before, "programs compiled");
  assert.equal(Math.max(...many.longest), Math.max(...few.longest), "tensors pending");
}, ["wasm", "webgpu"]);

testOnDevices("values that were read inside a transform are known when it is over", async () => {
  const seen: Tensor[] = [];
  const f = (x: Tensor) => {
    const y = realize(exp(x));
    seen.push(y);
    return mul(y, y);
  };
  assertClose([await item(grad(f)(tensor(1)))], [2 * Math.exp(2)], { relative: 1e-6, absolute: 0 }, "gradient");
  const before = compileCount();
  assertClose(await data(seen[0]), [Math.exp(1)], { relative: 1e-6, absolute: 0 }, "value");
  assert.equal(compileCount(), before);
  assertClose(await data(seen[0]), await data(seen[0]), exact, "again");
});
