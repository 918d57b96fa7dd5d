/**
 * Random graphs: however a program is fused, planned and run, the values are those of one operation after the other.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Device } from "../../../core/values/device.ts";
import { useDevice } from "../../../core/execution/current_device.ts";
import { fc } from "../../../dev_deps.ts";
import { bitwiseXor, cast, data, jit, realize, type Tensor, tensor } from "../../../mod.ts";
import { testDevices } from "../../support/devices.ts";
import { hash } from "../../support/noise.ts";
import { buildRandomGraph, type GraphStep, type RandomGraph, randomGraphs } from "./random_graphs.ts";
import { reference } from "../../support/run_case.ts";

/** A device like another, but for what the compiler knows of it. */
function variant(device: Device, properties: Partial<Device>): Device {
  return Object.create(device, Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, { value }])));
}

const devices = [
  { name: "the reference with fusion", device: variant(reference, { fuses: true }) },
  { name: "the reference with fusion and few buffers", device: variant(reference, { fuses: true, maxBuffersPerKernel: 4 }) },
  ...testDevices,
];

/** The leaves, computed on the current device so that they can be overwritten there. */
function leavesOf({ leaves, floats }: RandomGraph): Tensor[] {
  return realize(leaves.map((shape, seed) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const values = Int32Array.from({ length: size }, (_, i) => hash(seed, i) % 256);
    const leaf = bitwiseXor(tensor(values, { shape }), 1);
    return floats ? cast(leaf, "f32") : leaf;
  }));
}

const read = (xs: readonly Tensor[]) => Promise.all(xs.map(data));
const shapesOf = (xs: readonly Tensor[]) => xs.map(({ shape, dtype }) => `${dtype}[${shape}]`);

/** One operation after the other, each in a program of its own. */
async function expectedOf(graph: RandomGraph): Promise<unknown[]> {
  useDevice(reference);
  return await read(buildRandomGraph(graph, leavesOf(graph), (x) => realize(x)));
}

async function checkEager(graph: RandomGraph, expected: unknown[]): Promise<void> {
  assert.deepEqual(await read(realize(buildRandomGraph(graph, leavesOf(graph)))), expected, "all outputs at once");
}

async function checkJit(graph: RandomGraph, expected: unknown[]): Promise<void> {
  const f = jit((first: Tensor, rest: Tensor[]) => buildRandomGraph(graph, [first, ...rest]), { donate: graph.donate });
  const leaves = leavesOf(graph);
  const kept = [...graph.donate.includes(0) ? [] : leaves.slice(0, 1), ...graph.donate.includes(1) ? [] : leaves.slice(1)];
  const untouched = await read(kept);
  const results = f(leaves[0], leaves.slice(1));
  assert.deepEqual(shapesOf(results), shapesOf(buildRandomGraph(graph, leaves)));
  assert.deepEqual(await read(results), expected, "with jit");
  assert.deepEqual(await read(kept), untouched, "the leaves that were not donated");
  const same = leavesOf(graph);
  assert.deepEqual(await read(f(same[0], same.slice(1))), expected, "the second call");
}

const step = (op: GraphStep["op"], x: number, y: number): GraphStep => ({ op, x, y, k: 0, m: 0 });

/** Graphs in which something went wrong, or would if a rule of the compiler were missing. */
const known: readonly RandomGraph[] = [
  // Two stores of one kernel, the second of which reads what the first would overwrite.
  {
    leaves: [[2, 2], [], []],
    floats: false,
    steps: [step("matmul", 11, 0), step("add", 15, 35), step("conv", 0, 0), step("add", 0, 0), step("add", 1, 1)],
    outputs: [0, 12],
    donate: [0],
  },
  // A product of the size of both factors, which it must not overwrite.
  { leaves: [[50, 50], [50, 50]], floats: true, steps: [step("matmul", 0, 0)], outputs: [0], donate: [0, 1] },
  // Pieces of which none has an element.
  {
    leaves: [[]],
    floats: false,
    steps: [step("expandDims", 0, 0), step("drop", 0, 0), step("concat", 0, 0)],
    outputs: [0],
    donate: [],
  },
];

/** Registers tests of random graphs, so many on a device. */
export function testRandomGraphs(graphsOn: (device: string) => number, seed: number): void {
  for (const { name, device } of devices) {
    const numRuns = graphsOn(name);
    Deno.test(`${numRuns} random graphs on ${name} give what one operation after the other gives`, async () => {
      let [graphs, tensors] = [0, 0];
      await fc.assert(
        fc.asyncProperty(randomGraphs(24), async (graph) => {
          const expected = await expectedOf(graph);
          graphs++;
          tensors += buildRandomGraph({ ...graph, outputs: graph.steps.map((_, i) => i) }, leavesOf(graph)).length;
          useDevice(device);
          await checkEager(graph, expected);
          await checkJit(graph, expected);
        }),
        { numRuns, seed, examples: known.map((graph) => [graph]) },
      );
      assert.ok(tensors > 5 * graphs, "a graph has some tensors");
    });
  }
}
