/**
 * Many random graphs in another runtime: no fused op stands for what only looks like it. COTANGENT_SEED=1 tries others.
 *
 * @module
 */
import { fc } from "../../../dev_deps.ts";
import { add, bitwiseXor, broadcastTo, cast, iota, reshape, setDevice, type Tensor, tensor, vmap } from "../../../mod.ts";
import { encode } from "../../../onnx/mod.ts";
import { buildRandomGraph, type RandomGraph, randomGraphs } from "../../core/compile/random_graphs.ts";
import { hash } from "../../support/noise.ts";
import { assertSame } from "./run.ts";

await setDevice("wasm");

function leavesOf({ leaves, floats }: RandomGraph): Tensor[] {
  return leaves.map((shape, seed) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const leaf = bitwiseXor(tensor(Int32Array.from({ length: size }, (_, i) => hash(seed, i) % 256), { shape }), 1);
    return floats ? cast(leaf, "f32") : leaf;
  });
}

/** The runtime divides by the number of rows that it sorts. */
function sorts({ steps }: RandomGraph): boolean {
  return steps.some(({ op }) => op === "sort" || op === "argsort");
}

/** Each leaf for every example of a batch, each time another. */
function batchOf(leaves: readonly Tensor[], size: number): Tensor[] {
  return leaves.map((leaf) => {
    const example = reshape(iota([size], 0), [size, ...leaf.shape.map(() => 1)]);
    return add(broadcastTo(leaf, [size, ...leaf.shape]), cast(example, leaf.dtype));
  });
}

Deno.test("random graphs mean the same in another runtime, for a batch of any size too", async () => {
  const graphs = randomGraphs(20).filter((graph) => !sorts(graph));
  await fc.assert(
    fc.asyncProperty(graphs, async (graph) => {
      const f = (...leaves: Tensor[]) => buildRandomGraph(graph, leaves);
      const leaves = leavesOf(graph);
      await assertSame(f, await encode(f, leaves, { batchAxis: null }), leaves);
      const batched = vmap(f);
      const bytes = await encode(batched, batchOf(leaves, 2));
      for (const size of [1, 3]) await assertSame(batched, bytes, batchOf(leaves, size));
    }),
    { numRuns: 300, seed: Number(Deno.env.get("COTANGENT_SEED") ?? 20) },
  );
});
