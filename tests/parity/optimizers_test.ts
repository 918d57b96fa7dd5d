/**
 * Optimizers and schedules against PyTorch: 20 steps along given gradients, the rates of 30 steps.
 *
 * @module
 */
import assert from "node:assert/strict";
import { add, applyUpdates, data, div, type DType, item, jit, mul, optimizers, type Tensor, tensor } from "../../mod.ts";
import { currentDevice } from "../../core/execution/current_device.ts";
import { assertClose } from "../support/close.ts";
import { eachCase } from "../support/each_case.ts";
import { testOnDevices } from "../support/each_device.ts";
import { type OptimizerFixture, optimizers as paths, schedules } from "../fixtures/optimizers.ts";
import type { Float } from "./run.ts";

type Params = { x: Tensor };

/** How far from PyTorch's double precision the parameters may be. */
const tolerances = { f32: 2e-6, f64: 1e-10 };

const makers = optimizers as unknown as Readonly<Record<string, (options: object) => optimizers.Optimizer>>;

async function assertPath(optimizer: optimizers.Optimizer, fixture: OptimizerFixture, dtype: Float, how = ""): Promise<void> {
  const step = jit((params: Params, state: optimizers.OptimizerState, grads: Params) => {
    const [updates, next] = optimizer.update(grads, state, params);
    return [applyUpdates(params, updates), next] as const;
  });
  let params = { x: tensor([...fixture.start], { dtype }) };
  let state = optimizer.init(params);
  for (const [i, gradient] of fixture.gradients.entries()) {
    [params, state] = step(params, state, { x: tensor([...gradient], { dtype }) });
    const close = { relative: tolerances[dtype], absolute: tolerances[dtype] };
    assertClose(await data(params.x), fixture.path[i], close, `${how}${dtype}, step ${i + 1}`);
  }
}

testOnDevices("optimizers follow PyTorch's paths", () => {
  const dtypes: readonly DType[] = currentDevice().dtypes;
  const titleOf = ({ name, options }: OptimizerFixture) => `${name} ${JSON.stringify(options)}`;
  return eachCase(paths, titleOf, async (fixture) => {
    const { name, options, rateDecay } = fixture;
    const rate = options.learningRate as number;
    const falling = rateDecay && ((step: Tensor) => div(rate, add(1, mul(rateDecay, step))));
    const make = (learningRate: optimizers.LearningRate) => makers[name]({ ...options, learningRate });
    await assertPath(make(falling || rate), fixture, "f32");
    if (dtypes.includes("f64")) {
      const exact = falling && ((step: Tensor) => falling(mul(step, tensor(1, { dtype: "f64" }))));
      await assertPath(make(exact || rate), fixture, "f64");
    }
    if (falling) return;
    await assertPath(make(optimizers.schedules.constant(rate)), fixture, "f32", "a schedule for the rate, ");
    await assertPath(make(tensor(rate)), fixture, "f32", "a tensor for the rate, ");
  });
});

testOnDevices("schedules have PyTorch's rates", async (t) => {
  const makers = optimizers.schedules as unknown as Readonly<Record<string, (options: object) => optimizers.Schedule>>;
  const close = { relative: 2e-5, absolute: 2e-7 };
  for (const { name, options, rates } of schedules.filter(({ values }) => values === undefined)) {
    await t.step(`${name} ${JSON.stringify(options)}`, async () => {
      const rate = jit(makers[name](options));
      const found: number[] = [];
      for (let step = 0; step < rates.length; step++) found.push(await item(rate(tensor(step, { dtype: "i32" }))));
      assertClose(found, rates, close, "rates");
    });
  }
  for (const { name, options, values, rates } of schedules.filter(({ values }) => values !== undefined)) {
    await t.step(`${name} ${JSON.stringify(options)}`, async () => {
      assert.equal(name, "reduceOnPlateau");
      const plateau = optimizers.schedules.reduceOnPlateau(options as unknown as optimizers.schedules.PlateauOptions);
      const update = jit(plateau.update);
      let state = plateau.init();
      const found = [await item(state.rate)];
      for (const value of values!) {
        state = update(state, value);
        found.push(await item(state.rate));
      }
      assertClose(found, rates, close, "rates");
    });
  }
});
