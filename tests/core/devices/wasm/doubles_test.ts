/** Maps and reductions of doubles, two at a time, with what has fewer bits beside them: against the reference, of every length and order. */
import assert from "node:assert/strict";
import { doubleMath } from "../../../../core/ir/functions/double.ts";
import { functionsOfDoubles } from "../../../../core/ir/functions/doubles/mod.ts";
import { accuracies, unitsOff } from "../../../support/accuracy.ts";
import * as ct from "../../../../mod.ts";
import type { DeviceName, DType, Tensor } from "../../../../mod.ts";

const types: readonly DType[] = ["f64", "f32", "i32", "u32", "f16", "bf16", "u8", "bool"];
const number = (i: number, dtype: DType) => dtype === "bool" ? i * 7 % 3 % 2 : (dtype[0] === "u" ? 5 : 0) + (i * 29 % 11 - 5);

function filled(dtype: DType, shape: readonly number[], from = 0): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return ct.cast(
    ct.reshape(ct.tensor(Array.from({ length: size }, (_, i) => number(from + i, dtype)), { dtype: "f64" }), shape),
    dtype,
  );
}

/** Each makes a tensor of another one and doubles. */
const orders: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  "as they lie": (x) => x,
  "columns for rows": (x) => ct.transpose(x),
  backwards: (x) => ct.flip(x, { axis: 1 }),
  "every other one": (x) => ct.slice(x, { axis: 1, step: 2 }),
  "the same for all": (x) => ct.broadcastTo(ct.slice(x, { axis: 1, stop: 1 }), x.shape),
  "rows by number": (x) => ct.take(x, ct.tensor([2, 0, 1, 1], { dtype: "i32" })),
  "elements by number": (x) => ct.takeAlongAxis(x, ct.tensor([[1, 0], [0, 0], [1, 1]], { dtype: "i32" }), { axis: 1 }),
};

for (const [order, arrange] of Object.entries(orders)) {
  Deno.test(`doubles beside other types, ${order}`, async () => {
    for (const dtype of types) {
      for (const width of [3, 8]) {
        const compute = async (device: DeviceName) => {
          await ct.setDevice(device, device === "wasm" ? { threads: 1 } : undefined);
          const given = arrange(filled(dtype, [3, width]));
          const other = ct.cast(given, "f64");
          const doubles = ct.add(filled("f64", given.shape, 4), 0.25);
          const product = ct.mul(doubles, other);
          const results = [
            ct.sub(doubles, other),
            ct.cast(ct.abs(ct.sub(doubles, other)), dtype),
            ct.where(ct.gt(doubles, 0), given, filled(dtype, [1, 1])),
            ct.where(ct.cast(given, "bool"), doubles, 0),
            ...[0, 1].flatMap((
              axis,
            ) => [ct.sum(product, { axis }), ct.argmax(product, { axis }), ct.any(ct.gt(product, 9), { axis })]),
          ];
          await ct.realize(results);
          return await Promise.all(results.map((result) => ct.data(result)));
        };
        const [want, got] = [await compute("reference"), await compute("wasm")];
        await ct.setDevice("auto");
        assert.deepEqual(got, want, `${dtype}, ${width} columns`);
      }
    }
  });
}

Deno.test("functions of doubles at zeros, infinities, NaN and the ends of their ranges", async () => {
  const ends = [
    0,
    5e-324,
    1e-310,
    2 ** -1022,
    1e-20,
    1,
    22,
    50,
    699.9,
    700,
    708,
    709.78,
    710,
    744,
    746,
    12799,
    12801,
    1e22,
    1e308,
    Infinity,
  ];
  const points = [...ends, ...ends.map((x) => -x), NaN];
  await ct.setDevice("wasm");
  for (const name of Object.keys(functionsOfDoubles)) {
    const { f, exact } = accuracies[name] as { f: (x: Tensor) => Tensor; exact: (x: number) => number };
    const got = await ct.data(f(ct.tensor(points, { dtype: "f64" })));
    points.forEach((x, i) => {
      const want = (name === "softplus" ? doubleMath().softplus : exact)(x);
      const units = unitsOff(got[i], want, { type: "f64" });
      assert.ok(x === 0 ? Object.is(got[i], want) : units <= 1.5, `${name}(${x}) is ${got[i]}, not ${want}`);
    });
  }
  await ct.setDevice("auto");
});
