/**
 * Images a second from a folder of JPEG files: the decoder alone, on the main thread with the files in memory, and a loader with 0, 1 and 2
 * workers; and which part of its time a training waits for them.
 *
 * ```sh
 * deno task bench:images --images 2000 --workers 0,1,2
 * ```
 *
 * The files are made first, of smooth pictures with noise, 224 x 224 pixels and about 15 kB each. The training is that of the example network `cnn`
 * on the whole images. Prints a JSON object a line; `ofDecoder` is the share of the decoder's images a second.
 *
 * @module
 */
import { decodeImage } from "../datasets/images/decode.ts";
import { Command, encodeJpeg } from "../dev_deps.ts";
import { cnn } from "../examples/parts/models.ts";
import {
  applyUpdates,
  cast,
  crossEntropy,
  datasets,
  div,
  grad,
  item,
  jit,
  layers,
  mul,
  random,
  sum,
  type Tensor,
  tensor,
} from "../mod.ts";
import { integer } from "./options.ts";

const { images: count, size, batch, workers, steps } = new Command()
  .name("bench:images")
  .description("Images a second from a folder of JPEG files, as JSON.")
  .option("--images <count>", "how many files", integer(1), 2000)
  .option("--size <pixels>", "height and width of the images", integer(28), 224)
  .option("--batch <count>", "images in a batch", integer(1), 64)
  .option("--workers <counts>", "numbers of workers", (text) => text.split(",").map(integer(0)), [0, 1, 2])
  .option("--steps <count>", "training steps, 0 for no training", integer(0), 10)
  .parse(Deno.args, { from: "user" })
  .opts();

/** A JPEG file of a picture of its own. */
async function picture(serial: number): Promise<Uint8Array> {
  const noise = datasets.randomStream([0, serial]);
  const data = new Uint8ClampedArray(4 * size * size);
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++, at += 4) {
      const grain = 16 * noise.uniform();
      for (let c = 0; c < 3; c++) data[at + c] = 120 + 90 * Math.sin(x / (9 + c) + serial) * Math.cos(y / 13 - c) + grain;
    }
  }
  return new Uint8Array(await encodeJpeg(new ImageData(data, size, size), { quality: 85 }));
}

const shown = (seconds: number, images: number) => ({
  imagesPerSecond: Math.round(images / seconds),
  seconds: +seconds.toFixed(3),
});
const since = (start: number) => (performance.now() - start) / 1000;

const folder = await Deno.makeTempDir({ prefix: "cotangent_bench_" });
try {
  // Some pictures under many names: making them takes longer than reading them.
  const files = await Promise.all(Array.from({ length: Math.min(count, 50) }, (_, i) => picture(i)));
  for (let i = 0; i < 10; i++) await Deno.mkdir(`${folder}/${i}`);
  for (let i = 0; i < count; i++) await Deno.writeFile(`${folder}/${i % 10}/${i}.jpg`, files[i % files.length]);
  for (const file of files) await decodeImage(file);

  const start = performance.now();
  for (let i = 0; i < count; i++) await decodeImage(files[i % files.length]);
  const alone = since(start);
  console.log(JSON.stringify({ what: "decoder alone", size, images: count, ...shown(alone, count) }));

  const found = await datasets.imageFolder(folder, { size })();
  if (found._tag === "Left") throw new Error(found.left.message);
  for (const each of workers) console.log(JSON.stringify(await loading(found.right, each, alone / count)));
  if (steps > 0) { for (const each of workers) console.log(JSON.stringify(await waiting(found.right, each))); }
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** How fast a loader is after the first batch, for which workers start; `decoding` is the decoder's time for an image in seconds. */
async function loading(set: datasets.ImageFolder, workers: number, decoding: number): Promise<Record<string, unknown>> {
  let start = performance.now(), first = 0, loaded = 0;
  for await (const batched of datasets.loader(set, { batchSize: batch, shuffle: 0, workers })) {
    if (first > 0) loaded += batched.count;
    else [first, start] = [since(start), performance.now()];
  }
  const seconds = since(start);
  const facts = { what: "loader", workers, size, batch, ...shown(seconds, loaded), firstBatch: +first.toFixed(3) };
  return { ...facts, ofDecoder: +(decoding * loaded / seconds).toFixed(2) };
}

/** How long a training waits for its images. */
async function waiting(set: datasets.ImageFolder, workers: number): Promise<Record<string, unknown>> {
  const model = cnn as unknown as layers.Layer<object, object>;
  const { params: initial, state } = model.init(random.key(0), set.shape);
  const step = jit((params: object, images: Tensor, labels: Tensor) => {
    const loss = (p: object) => {
      const [logits] = model.apply(p, state, div(cast(images, "f32"), 255), layers.evalMode);
      return crossEntropy(logits, labels);
    };
    return applyUpdates(params, grad((p: object) => mul(loss(p), -0.01))(params));
  });
  let params = initial, waited = 0, begun = 0, taken = -1;
  let asked = performance.now();
  for await (const { images, labels, shape } of datasets.loader(set, { batchSize: batch, shuffle: 0, dropLast: true, workers })) {
    // The first step compiles, and the first batch waits for workers that start.
    if (++taken === 0) begun = performance.now();
    else waited += since(asked);
    params = step(params, tensor(images, { shape }), tensor(labels));
    await item(sum((params as { head: { bias: Tensor } }).head.bias));
    if (taken === 0) begun = performance.now();
    if (taken === steps) break;
    asked = performance.now();
  }
  const seconds = since(begun);
  return { what: "training", workers, steps: taken, ...shown(seconds, taken * batch), waiting: +(waited / seconds).toFixed(3) };
}
