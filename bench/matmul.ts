/**
 * Speed of matrix products, as a share of the peak of multiply-adds on the same threads in the same run.
 *
 * ```sh
 * deno task bench:matmul --sizes 256,512,1024 --device wasm
 * deno task bench:matmul --shapes 64x784x512
 * ```
 *
 * Prints one JSON object per size n, of an n x n by n x n product. A shape BxIxO is a linear layer of I inputs and O outputs on a batch
 * of B: its product x W^T and its gradients g W and g^T x, one JSON object each. Measurements of the product and of the peak take
 * turns; the medians are compared. A GPU's peak is not known here: there `fractionOfPeak` is null.
 *
 * @module
 */
import { Command, InvalidArgumentError, Option } from "../dev_deps.ts";
import { deviceInfo, item, jit, matmul, random, realize, setDevice, slice, type Tensor, transpose } from "../mod.ts";
import { integer, median } from "./options.ts";
import { startPeak } from "./peak.ts";

interface LayerShape {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
}

function sizesOf(text: string): number[] {
  return text.split(",").map(integer(1));
}

function shapesOf(text: string): LayerShape[] {
  return text.split(",").map((shape) => {
    const extents = shape.split("x");
    if (extents.length !== 3) throw new InvalidArgumentError(`"${shape}" must be batch x inputs x outputs, as in 64x784x512.`);
    const [batch, inputs, outputs] = extents.map(integer(1));
    return { batch, inputs, outputs };
  });
}

const given = new Command()
  .name("bench:matmul")
  .description("Speed of matrix products, as JSON. Without --sizes and --shapes: sizes 256,512,1024 and shape 64x784x512.")
  .option("--sizes <list>", "comma-separated extents of square products", sizesOf)
  .option("--shapes <list>", "comma-separated linear layers, batch x inputs x outputs", shapesOf)
  .addOption(
    new Option("--device <name>", "where to compute").choices(["auto", "wasm", "webgpu"] as const).default("auto" as const),
  )
  .option("--threads <count>", "threads of wasm (default: all cores)", integer(1))
  .option("--native", "machine code for the innermost loops of wasm")
  .option("--rounds <count>", "measurements of each product", integer(1), 15)
  .parse(Deno.args, { from: "user" })
  .opts();

const nothing = !given.sizes && !given.shapes;
const { sizes = nothing ? [256, 512, 1024] : [], shapes = nothing ? [{ batch: 64, inputs: 784, outputs: 512 }] : [] } = given;
const threads = given.threads ?? navigator.hardwareConcurrency;

/** What is measured: two matrices and how they are multiplied. */
interface Product {
  readonly label: Readonly<Record<string, string | number>>;
  readonly left: readonly [number, number];
  readonly right: readonly [number, number];
  readonly multiply: (x: Tensor, y: Tensor) => Tensor;
  readonly flops: number;
}

function square(size: number): Product {
  return { label: { size }, left: [size, size], right: [size, size], multiply: matmul, flops: 2 * size ** 3 };
}

function layer({ batch, inputs, outputs }: LayerShape): Product[] {
  const common = { flops: 2 * batch * inputs * outputs };
  const label = (product: string) => ({ shape: `${batch}x${inputs}x${outputs}`, product });
  const [x, w, g] = [[batch, inputs], [outputs, inputs], [batch, outputs]] as const;
  return [
    { ...common, label: label("x W^T"), left: x, right: w, multiply: (x, w) => matmul(x, transpose(w)) },
    { ...common, label: label("g W"), left: g, right: w, multiply: matmul },
    { ...common, label: label("g^T x"), left: g, right: x, multiply: (g, x) => matmul(transpose(g), x) },
  ];
}

/** A function that computes a product some times and gives the GFLOP/s. */
function speedOf({ left, right, multiply, flops }: Product): (times: number) => Promise<number> {
  const key = random.key(0);
  const [x, y] = realize([random.normal(random.foldIn(key, 1), left), random.normal(random.foldIn(key, 2), right)]);
  const run = jit(multiply);
  const corner = jit((z: Tensor) => slice(slice(z, { stop: 1 }), { axis: 1, stop: 1 }));
  return async (times) => {
    const start = performance.now();
    for (let i = 1; i < times; i++) run(x, y)[Symbol.dispose]();
    using last = run(x, y);
    // The work has only been submitted to a GPU: this waits for it.
    await item(corner(last));
    return times * flops / (performance.now() - start) / 1e6;
  };
}

/** How many products take about 20 milliseconds, found while the machine code settles. */
async function warmUp(speed: (times: number) => Promise<number>, flops: number): Promise<number> {
  let times = 1;
  for (const start = performance.now(); performance.now() - start < 300;) {
    times = Math.max(1, Math.round(20e6 * await speed(times) / flops));
  }
  return times;
}

await setDevice(given.device, { threads: given.threads, native: given.native });
const device = deviceInfo().name;
const peak = device === "wasm" ? startPeak(threads) : undefined;
const round = (x: number) => Math.round(x * 1000) / 1000;

for (const product of [...sizes.map(square), ...shapes.flatMap(layer)]) {
  const speed = speedOf(product);
  const times = await warmUp(speed, product.flops);
  const speeds: number[] = [];
  const peaks: number[] = [];
  for (let i = 0; i < given.rounds; i++) {
    if (peak) peaks.push(peak.measure());
    speeds.push(await speed(times));
  }
  const gflops = median(speeds);
  console.log(JSON.stringify({
    ...product.label,
    device,
    threads,
    gflops: round(gflops),
    fractionOfPeak: peak ? round(gflops / median(peaks)) : null,
    ...(peak && { peakGflops: round(median(peaks)) }),
  }));
}
peak?.stop();
