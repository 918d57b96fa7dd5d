/**
 * Layers, initializers and networks: made, started and applied.
 *
 * @module
 */
import { layers, random, relu, type Tensor, tensor, zeros } from "../../../mod.ts";
import { each, row, type Rows, used } from "./rows.ts";
import {
  anyNumber,
  axes,
  axis,
  finite,
  flag,
  type Hostile,
  lists,
  made,
  needed,
  options,
  positive,
  real,
  share,
  text,
  tree,
  word,
} from "./values.ts";

/** Starts a layer and applies it to inputs of a shape. */
const applied = (...shape: number[]) => (layer: never) => {
  const { init, apply } = layer as layers.Layer<object, object>;
  const { params, state } = init(random.key(0), shape);
  return apply(params, state, zeros([2, ...shape]), layers.evalMode);
};
/** Starts a layer, whose parameters no one computes: networks are large. */
const started = (...shape: number[]) => (layer: never) =>
  (layer as layers.Layer<object, object>).init(random.key(0), shape).output;
const drawn = (initializer: never) => (initializer as layers.Initializer)(random.key(0), [3, 4]);

const size = made(() => 2);
const init = { weightInit: made(() => layers.initializers.constant(1)), biasInit: made(() => layers.initializers.constant(1)) };
const channels = { ...init, groups: made(() => 1), bias: flag(true) };
const window = { stride: made(() => 1), padding: made(() => 0, "-0"), dilation: made(() => 1) };
const epsilon = made(() => 1e-5, "0.5", "2^31", "2^53");
const function1 = made(() => relu);
/** Parameters of any form. */
const someTrees = [
  "[]",
  "{}",
  ...lists,
  "{ a: 1 }",
  "disposed",
  "like a tensor",
] as const satisfies readonly Hostile[];
const images = [2, 5, 5] as const;
const signals = [2, 5] as const;
const stages = made(() => ({ a: layers.linear({ features: 3 }), b: relu }));
const anyStages = made(stages.value, "{}");
/** Not computed with where nothing is drawn. */
const key = made(() => random.key(0), "disposed");
const depth = positive(2).or("-1");
const tensors = (value: unknown) => made(() => value);

const cell = () => ({
  weightIh: zeros([16, 3]),
  weightHh: zeros([16, 4]),
  biasIh: zeros([16]),
  biasHh: zeros([16]),
});
const gruCell = () => ({ weightIh: zeros([12, 3]), weightHh: zeros([12, 4]), biasIh: zeros([12]), biasHh: zeros([12]) });
const model = layers.linear({ features: 2 });
const attention = () => layers.multiHeadAttention({ heads: 2 }).init(random.key(0), [3, 4]).params;

const recurrent = used(
  applied(3, 2),
  needed({ features: size }, {
    layers: size,
    bidirectional: flag(true),
    returnSequences: flag(true),
    dropout: share(0.5),
    bias: flag(true),
  }),
);
const classes = made(() => 2);
const ratio = made(() => 64, "0.5", "2^31", "2^53");

const pools = (rank: string, input: readonly number[]): Rows => {
  const { stride, padding, dilation } = window;
  const shared = { stride, padding, ceilMode: flag(true) };
  return {
    [`layers.maxPool${rank}`]: used(applied(...input), needed({ kernel: size }, { ...shared, dilation })),
    [`layers.avgPool${rank}`]: used(
      applied(...input),
      needed({ kernel: size }, {
        ...shared,
        countIncludePad: flag(true),
        divisorOverride: made(() => 2, "-1", "0.5", "2^31", "2^53"),
      }),
    ),
  };
};

export const layerRows: Rows = {
  "layers.linear": used(applied(3), needed({ features: size }, { ...init, bias: flag(true) })),
  "layers.conv2d": used(
    applied(...images),
    needed({ features: size, kernel: size }, { ...channels, ...window, paddingMode: word("zeros") }),
  ),
  "layers.conv1d": used(
    applied(...signals),
    needed({ features: size, kernel: size }, { ...channels, ...window, paddingMode: word("zeros") }),
  ),
  "layers.convTranspose2d": used(
    applied(...images),
    needed({ features: size, kernel: size }, { ...channels, ...window, outputPadding: made(() => 0, "-0") }),
  ),
  "layers.convTranspose1d": used(
    applied(...signals),
    needed({ features: size, kernel: size }, { ...channels, ...window, outputPadding: made(() => 0, "-0") }),
  ),
  ...pools("2d", images),
  ...pools("1d", signals),
  ...each("layers.adaptiveAvgPool2d layers.adaptiveMaxPool2d", used(applied(...images), size)),
  "layers.globalAvgPool2d": used(applied(...images), options({ keepDims: flag(true) })),
  "layers.batchNorm": used(
    applied(...images),
    options({ momentum: share(0.1), epsilon, affine: flag(true), trackRunningStats: flag(true), sync: flag(false) }),
  ),
  "layers.layerNorm": used(applied(3), options({ axis: axes(-1), epsilon, affine: flag(true) })),
  "layers.rmsNorm": used(applied(3), options({ axis: axes(-1), epsilon, affine: flag(true) })),
  "layers.groupNorm": used(applied(...images), needed({ groups: size }, { epsilon, affine: flag(true) })),
  "layers.instanceNorm": used(applied(...images), options({ epsilon, affine: flag(true) })),
  "layers.dropout": used(applied(3), share(0.5).optional),
  "layers.dropout2d": used(applied(...images), share(0.5).optional),
  "layers.embedding": used(
    (layer: layers.Layer<object, object>) => {
      const { params, state } = layer.init(random.key(0), [2]);
      return layer.apply(params, state, tensor([[0, 1]], { dtype: "i32" }), layers.evalMode);
    },
    needed({ numEmbeddings: made(() => 4, "2^31"), features: size }, {
      paddingIndex: made(() => 1, "-0"),
      weightInit: init.weightInit,
    }),
  ),
  "layers.flatten": used(applied(...images)),
  "layers.fromFunction": used(applied(3), function1, text("relu").optional),
  "layers.compose": used(
    applied(3),
    anyStages,
    made(() => ({ a, b }: Record<string, (x: Tensor) => Tensor>, x: Tensor) => a ? b(a(x)) : x),
    text("kind").optional,
  ),
  "layers.serial": used(applied(3), anyStages),
  "layers.sequential": used(applied(3), made(() => layers.linear({ features: 3 })), function1),
  "layers.residual": used(applied(3), anyStages, options({ downsample: function1, activation: function1 })),
  ...each("layers.denseConnection layers.parallel", used(applied(3), anyStages, options({ axis: axis(1) }))),
  ...each("layers.lstm layers.gru", recurrent),
  "layers.lstmCell": row(
    made(cell),
    made(() => ({ hidden: zeros([2, 4]), cell: zeros([2, 4]) })),
    tensors(zeros([2, 3])),
  ),
  "layers.gruCell": row(made(gruCell), made(() => ({ hidden: zeros([2, 4]) })), tensors(zeros([2, 3]))),
  "layers.transformerEncoderLayer": used(
    applied(3, 4),
    needed({ features: made(() => 4), heads: size }, {
      hidden: size,
      dropout: share(0.5),
      activation: function1,
      normFirst: flag(true),
      causal: flag(true),
    }),
  ),
  "layers.multiHeadAttention": used(
    applied(3, 4),
    needed({ heads: size }, { dropout: share(0.5), bias: flag(true), causal: flag(true) }),
  ),
  "layers.crossAttention": row(
    made(attention),
    tensors(zeros([1, 3, 4])),
    tensors(zeros([1, 3, 4])),
    needed({ heads: size }, {
      mask: made(() => undefined),
      causal: flag(true),
      scale: real(1),
      dropout: made(() => ({ p: 0.5, key: random.key(0) })),
    }),
  ),
  // what is said of layers
  "layers.keyFor": row(key, text("a")),
  "layers.trainMode": used(
    (mode: layers.Mode) => model.apply(model.init(random.key(0), [2]).params, {}, zeros([1, 2]), mode),
    key,
  ),
  "layers.outputShape": row(function1, made(() => [2], "[]")),
  "layers.summary": row(made(() => model), made(() => [2]), options({ depth })),
  "layers.namedStages": row(made(() => layers.serial({ a: model }), "{}", "{ a: 1 }", "like a tensor"), options({ depth })),
  "layers.namedParameters": row(made(() => ({ a: zeros([2]) }), ...someTrees), options({ depth })),
  "layers.stateDict": row(made(() => ({ a: zeros([2]) }), ...someTrees), made(() => ({ b: zeros([2]) }), ...someTrees).optional),
  "layers.loadStateDict": row(
    made(() => ({ params: { a: zeros([2]) }, state: {} }), "{}", "{ a: 1 }", "like a tensor"),
    made(() => ({ a: zeros([2]) }), ...tree),
  ),
  // initializers
  "layers.initializers.constant": used(drawn, anyNumber(1).or("true")),
  "layers.initializers.uniform": used(drawn, options({ min: finite(-1), max: finite(3) })),
  "layers.initializers.normal": used(drawn, options({ mean: real(0), std: made(() => 1, "-0", "0.5", "2^31", "2^53") })),
  "layers.initializers.truncatedNormal": used(
    drawn,
    options({ mean: real(0), std: made(() => 1, "0.5", "2^31", "2^53"), min: real(-1), max: real(3) }),
  ),
  ...each(
    "layers.initializers.orthogonal layers.initializers.xavierUniform layers.initializers.xavierNormal",
    used(drawn, options({ gain: made(() => 1, "-0", "0.5", "2^31", "2^53") })),
  ),
  ...each(
    "layers.initializers.heUniform layers.initializers.heNormal",
    used(drawn, options({ gain: made(() => 1, "-0", "0.5", "2^31", "2^53"), mode: word("fanOut") })),
  ),
  "layers.initializers.gain": row(word("leakyRelu"), options({ negativeSlope: real(0.1) })),
  // networks
  "layers.zoo.leNet": used(started(1, 28, 28), options({ classes, norm: flag(true) })),
  ...each("layers.zoo.alexNet layers.zoo.nin", used(started(1, 224, 224), options({ classes, ratio }))),
  "layers.zoo.vgg": used(started(1, 224, 224), needed({ depth: word(11) }, { classes, ratio, norm: flag(true) })),
  "layers.zoo.vggBlock": used(started(1, 8, 8), needed({ convolutions: size, features: size }, { norm: flag(true) })),
  "layers.zoo.ninBlock": used(
    started(...images),
    needed({ features: size, kernel: size }, { ...channels, ...window, paddingMode: word("zeros") }),
  ),
  "layers.zoo.resNet": used(started(1, 64, 64), options({ depth: word(18), classes, ratio })),
  "layers.zoo.basicBlock": used(started(...images), needed({ features: size }, { stride: size, downsample: flag(true) })),
  "layers.zoo.denseBlock": used(started(...images), needed({ layers: size }, { growthRate: size, bottleneck: size })),
  "layers.zoo.denseNet": used(
    started(1, 64, 64),
    options({ blocks: made(() => [1, 1], "[]"), growthRate: size, features: size, bottleneck: size, classes }),
  ),
  "layers.zoo.generator": used(started(4), options({ channels: size, features: made(() => 4) })),
  "layers.zoo.discriminator": used(started(1, 28, 28), options({ features: size })),
};

/** For each maker of layers the shape of inputs for its row. */
export const layerInputs: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(
    "linear dropout fromFunction compose serial sequential residual denseConnection parallel layerNorm rmsNorm"
      .split(" ").map((name) => [`layers.${name}`, [3]]),
  ),
  ...Object.fromEntries(
    `conv2d convTranspose2d maxPool2d avgPool2d adaptiveAvgPool2d adaptiveMaxPool2d globalAvgPool2d batchNorm groupNorm instanceNorm
     dropout2d flatten`.split(/\s+/).map((name) => [`layers.${name}`, images]),
  ),
  ...Object.fromEntries("conv1d convTranspose1d maxPool1d avgPool1d".split(" ").map((name) => [`layers.${name}`, signals])),
  "layers.embedding": [2],
  "layers.lstm": [3, 2],
  "layers.gru": [3, 2],
  "layers.transformerEncoderLayer": [3, 4],
  "layers.multiHeadAttention": [3, 4],
};
