/**
 * What a training step is made of, in numbers small enough to check by hand: a gradient, an update, several gradients in one update.
 *
 * @module
 */
import {
  add,
  applyUpdates,
  data,
  deviceInfo,
  type DType,
  grad,
  item,
  optimizers,
  pow,
  square,
  stack,
  sub,
  type Tensor,
  tensor,
  treeMap,
} from "../../mod.ts";

/** The gradient is the slope along each argument: c = a^3 + b at a = 1, b = 4. */
export function gradient(): void {
  const dtype: DType = deviceInfo().name === "webgpu" ? "f32" : "f64"; // GPUs have no f64 in WGSL
  const cube = (p: { a: Tensor; b: Tensor }) => add(pow(p.a, 3), p.b);
  const slopes = grad(cube)({ a: tensor(1, { dtype }), b: tensor(4, { dtype }) });
  console.log("dc/da", slopes.a);
  console.log("dc/db", slopes.b);
}

/** Four optimizers go down x^2 from x = 1, where the gradient is 2. */
export async function updates(): Promise<void> {
  const ways = {
    "sgd, rate 0.1": optimizers.sgd({ learningRate: 0.1 }),
    "momentum 0.9": optimizers.sgd({ learningRate: 0.1, momentum: 0.9 }),
    "adam, rate 0.1": optimizers.adam({ learningRate: 0.1 }),
    "adadelta, rate 0.5": optimizers.adadelta({ learningRate: 0.5 }),
  };
  console.log("x^2 from x = 1".padEnd(20), "x after 1, 2, 3, 4 steps");
  for (const [name, optimizer] of Object.entries(ways)) {
    let params = { x: tensor(1) };
    let state = optimizer.init(params);
    const positions: Tensor[] = [];
    for (let i = 0; i < 4; i++) {
      const grads = grad((p: typeof params) => square(p.x))(params);
      const [change, next] = optimizer.update(grads, state, params);
      params = applyUpdates(params, change);
      state = next;
      positions.push(params.x);
    }
    console.log(name.padEnd(20), Array.from(await data(stack(positions)), (x) => x.toFixed(4)).join("  "));
  }
}

/** A gradient is a value: two of them are added where that is wanted, and nothing has to be set back to zero. */
export async function severalPasses(): Promise<void> {
  const params = { w: tensor(1) };
  const sgd = optimizers.sgd({ learningRate: 0.1 });
  const passes = [3, 4].map((target) => grad((p: typeof params) => square(sub(p.w, target)))(params));
  console.log("gradients", ...await Promise.all(passes.map(({ w }) => item(w))));

  const sum = treeMap(add, passes[0], passes[1]);
  const [change] = sgd.update(sum, sgd.init(params), params);
  console.log("an update with their sum:", await item(applyUpdates(params, change).w));

  const twice = optimizers.accumulateGradients(sgd, 2);
  let state = twice.init(params);
  let now = params;
  for (const [i, grads] of passes.entries()) {
    const [change, next] = twice.update(grads, state, now);
    now = applyUpdates(now, change);
    state = next;
    console.log(`accumulateGradients(sgd, 2) after pass ${i + 1}:`, await item(now.w));
  }
}
