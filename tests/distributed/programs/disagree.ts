/** Processes of which rank 1 does something else: the first argument says what. Each prints the error it gets, as JSON. */
import { allReduce, broadcast, init } from "../../../distributed/mod.ts";
import { jit, matmul, ones, setDevice, type Tensor, tensor, zeros } from "../../../mod.ts";

const [what] = Deno.args;
const { rank } = init({ timeout: what === "a late process" ? 2 : 30 });
await setDevice("wasm", { threads: 1 });
const odd = rank === 1;
const x = tensor([1, 2, 3]);
const reduce = () => allReduce({ layer: { weight: x } }, "sum");

/** Computes for a while beside the exchange, which is looked at in between. */
const program = jit((x: Tensor) => {
  const shared = allReduce({ layer: { weight: x } }, "sum");
  let y = ones([300, 300]);
  for (let i = 0; i < 20; i++) y = matmul(y, y);
  return [shared, y];
});

const acts: Record<string, () => unknown> = {
  "another shape": () => allReduce({ layer: { weight: odd ? zeros([4]) : x } }, "sum"),
  "another type": () => allReduce({ layer: { weight: odd ? tensor([1, 2, 3], { dtype: "i32" }) : x } }, "sum"),
  "another shape in a program": () => program(odd ? zeros([4]) : x),
  "another leaf": () => allReduce({ layer: { [odd ? "bias" : "weight"]: x } }, "sum"),
  "another reduction": () => allReduce({ layer: { weight: x } }, odd ? "max" : "sum"),
  "a call left out": () => (odd || reduce(), broadcast({ layer: { weight: x } })),
  "a call twice": () => (odd && reduce(), reduce(), broadcast({ layer: { weight: x } })),
  "an early end": () => odd || reduce(),
  "a late process": async () => (odd && await new Promise((resolve) => setTimeout(resolve, 60_000)), reduce()),
};

reduce();
try {
  await acts[what]();
} catch (error) {
  console.log(JSON.stringify({ rank, name: (error as Error).name, message: (error as Error).message }));
  Deno.exit(1);
}
