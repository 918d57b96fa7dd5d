/**
 * Data sets, batches, loaders and transforms. What would download is made, but not run.
 *
 * @module
 */
import { datasets, random, tensor, zeros } from "../../../mod.ts";
import { costly, each, row, type Rows, used } from "./rows.ts";
import { anyNumber, count, finite, flag, type Hostile, made, needed, options, share, text, whole, word } from "./values.ts";

const { train } = datasets.syntheticDigits({ train: 12, test: 0 });
const set = made(() => train);
const images = () => zeros([2, 3, 6, 6]);
const transformed = (transform: never) => (transform as datasets.transforms.Transform)(images(), random.key(0));
const key = made(() => 0, "-1", "-0", "2^31");
const size = made(() => 2);
const load = {
  folder: text("nowhere"),
  download: flag(true),
  onProgress: made(() => () => {}, "function", "async function"),
  mirrors: made(() => ["https://example.org"], "[]", '["1"]'),
  stallTimeout: made(() => 1000),
};
const fill = anyNumber(0);
const pairOfNumbers = made(() => [0.5, 1.5]);
const jitter = made(() => 0.5, "-0", "0.5", "2^31", "2^53");
/** What is in a source is seen when it is loaded. */
const anyRecord = ["{}", "{ a: 1 }", "like a tensor"] as const satisfies readonly Hostile[];

export const dataRows: Rows = {
  ...each("datasets.mnist datasets.fashionMnist", row(options(load))),
  "datasets.cifar10": row(options(load), made(() => datasets.cifar10Source, ...anyRecord).optional),
  "datasets.idxDataset": row(made(() => datasets.mnistSource, ...anyRecord), options(load)),
  "datasets.showDatasetError": row(made(() => ({ kind: "Read", message: "no", path: "x" }))),
  "datasets.syntheticDigits": costly(options({ seed: key, train: made(() => 2, "-0"), test: made(() => 1, "-0") })),
  "datasets.batches": used(
    (batches: datasets.Batches) => [...batches][0],
    set,
    needed({ batchSize: made(() => 5, "2^31", "2^53") }, {
      shuffle: key,
      epoch: whole(1),
      dropLast: flag(true),
      limit: count(3),
    }),
  ),
  "datasets.loader": used(
    async (loader: datasets.Loader<unknown>) => {
      for await (const batch of loader) return batch;
    },
    set,
    needed({ batchSize: made(() => 5, "2^31", "2^53") }, {
      shuffle: key,
      key: key,
      epoch: whole(1),
      dropLast: flag(true),
      workers: made(() => 0, "-0"),
      prefetch: made(() => 2, "2^31", "2^53"),
      transform: made(() => (batch: unknown) => batch, "function", "async function"),
      normalize: made(() => ({ mean: 0.5, std: 0.5 })),
    }),
  ),
  "datasets.imageFolder": row(
    text("nowhere"),
    needed({ size }, {
      framing: made(() => ({ kind: "stretch" })),
      channels: made(() => 1),
      label: made(() => () => "a", "function", "async function"),
      classNames: made(() => ["a"], "[]", '["1"]'),
      damaged: word("skip"),
    }),
  ),
  "datasets.csv": row(
    made(() => ({ text: "a,b\n1,x\n" }), '""', '"1"'),
    options({
      header: made(() => ["a", "b"], "true", "[]", '["1"]'),
      columns: made(() => ({ b: "category" }), "{}"),
      label: text("b"),
      missing: anyNumber(0).or("NaN"),
      missingMarks: made(() => ["-"], "[]", '["1"]'),
      delimiter: made(() => ";", '"1"'),
    }),
  ),
  "datasets.arrays": row(made(() => ({ x: [[1, 2], [3, 4]] }))),
  "datasets.subset": row(set, made(() => [1, 2], "[]", "Float32Array")),
  "datasets.split": row(
    set,
    needed({ key: key }, {
      fraction: made(() => undefined),
      count: made(() => 3, "-0"),
      stratify: flag(true),
    }),
  ),
  "datasets.shard": row(
    set,
    needed({ rank: count(0), size: count(2) }, {
      key: key,
      epoch: count(1),
      tail: word("drop"),
    }),
  ),
  "datasets.firstImages": row(set, count(2).or("2^53")),
  "datasets.imageBytes": row(made(() => [1, 2, 3])),
  "datasets.permutation": row(made(() => 3, "-0"), made(() => datasets.randomStream([0, 1]))),
  "datasets.randomStream": used((stream: ReturnType<typeof datasets.randomStream>) => stream.uniform(), made(() => [0, 1])),
  // transforms
  "datasets.transforms.compose": used(transformed, made(() => (x: unknown) => x)),
  "datasets.transforms.toTensor": row(made(images)),
  "datasets.transforms.normalize": used(
    transformed,
    needed({ mean: finite(0).or("[0.5]", "[-1]"), std: made(() => 1, "-1", "0.5", "2^31", "2^53", "[0.5]", "[-1]") }),
  ),
  "datasets.transforms.colorJitter": used(transformed, options({ brightness: jitter, contrast: jitter, saturation: jitter })),
  "datasets.transforms.randomErasing": used(
    transformed,
    options({ p: share(0.5), scale: pairOfNumbers, ratio: pairOfNumbers, value: fill.or("[NaN]", "[0.5]", "[-1]") }),
  ),
  "datasets.transforms.randomCrop": used(
    transformed,
    needed({ size }, { padding: made(() => 1, "-0"), paddingMode: word("reflect"), fill }),
  ),
  "datasets.transforms.centerCrop": used(transformed, size),
  ...each(
    "datasets.transforms.randomHorizontalFlip datasets.transforms.randomVerticalFlip",
    used(transformed, share(0.5).optional),
  ),
  "datasets.transforms.rotate": row(
    made(images),
    finite(10).or("NaN", "Infinity", "true"),
    options({ interpolation: word("bilinear"), fill }),
  ),
  "datasets.transforms.randomRotation": used(
    transformed,
    finite(10),
    options({ interpolation: word("bilinear"), fill }),
  ),
  "datasets.transforms.resizedCrop": row(
    made(images),
    made(() => tensor([1, 1, 2, 3])),
    size,
    options({ antialias: flag(false) }),
  ),
  "datasets.transforms.randomResizedCrop": used(
    transformed,
    needed({ size }, { scale: made(() => [0.5, 0.6]), ratio: pairOfNumbers, antialias: flag(false) }),
  ),
  "datasets.transforms.resize": used(transformed, size, options({ interpolation: word("nearest"), antialias: flag(false) })),
};
