/** What each process gets from every exchange, as JSON. */
import { allGather, allReduce, barrier, broadcast, init } from "../../../distributed/mod.ts";
import {
  cast,
  type DeviceName,
  grad,
  jit,
  jvp,
  max,
  mul,
  setDevice,
  square,
  sum,
  type Tensor,
  tensor,
  toArray,
  treeMap,
  vmap,
  zeros,
} from "../../../mod.ts";

const { rank, size, localRank } = init({ timeout: 20 });
await setDevice(Deno.args[0] as DeviceName, Deno.args[0] === "wasm" ? { threads: 1 } : {});

const x = tensor([rank + 1, 2, -rank]);
const tree = {
  f32: x,
  i32: cast(x, "i32"),
  u8: tensor([rank, 200], { dtype: "u8" }),
  bool: tensor([rank === 1, true, false]),
  f16: cast(x, "f16"),
  bf16: cast(x, "bf16"),
  none: zeros([0, 3]),
  scalar: tensor(rank * 10),
};
const read = async (t: object) =>
  Object.fromEntries(await Promise.all(Object.entries(t).map(async ([k, v]) => [k, await toArray(v as Tensor)])));
const floats = { f32: tree.f32, f16: tree.f16 };

/** A loss of which every process has a part: each multiplies what all have summed by weights of its own. */
const weights = tensor([rank + 1, 10, 100]);
const loss = (x: Tensor) => sum(mul(square(allReduce(x, "sum")), weights));
const lossOfMax = (x: Tensor) => sum(mul(allReduce(x, "max"), weights));
const lossOfAll = (x: Tensor) => sum(mul(allGather(x), tensor([[1], [2], [3]].slice(0, size))));
const lossOfRoot = (x: Tensor) => sum(mul(broadcast(x, { root: 1 }), weights));
const rows = tensor([[rank, 1, 2], [3, rank, 5]]);

barrier();
const report = {
  rank,
  size,
  localRank,
  sum: await read(allReduce(tree, "sum")),
  max: await read(allReduce(tree, "max")),
  min: await read(allReduce(tree, "min")),
  mean: await read(allReduce(floats, "mean")),
  gathered: await read(allGather(tree)),
  broadcast: await read(broadcast(tree, { root: 1 })),
  jitted: await toArray(jit((x: Tensor) => mul(allReduce(square(x), "sum"), max(x)))(x)),
  grad: await toArray(grad(loss)(x)),
  jittedGrad: await toArray(jit(grad(loss))(x)),
  second: await toArray(grad((x: Tensor) => sum(grad(loss)(x)))(x)),
  tangent: await toArray(jvp(loss, [x], [tensor([1, 0, rank])])[1]),
  gradOfMax: await toArray(grad(lossOfMax)(x)),
  gradOfAll: await toArray(grad(lossOfAll)(x)),
  gradOfRoot: await toArray(grad(lossOfRoot)(x)),
  batched: await toArray(vmap((x: Tensor) => sum(allGather(x)))(rows)),
  batchedGrad: await toArray(vmap(grad(loss))(rows)),
  aliased: await toArray(treeMap((x) => x, allReduce([x, x], "sum"))[1]),
};
console.log(JSON.stringify(report));
