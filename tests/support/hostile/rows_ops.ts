/**
 * Operations on tensors, and how tensors are made and read.
 *
 * @module
 */
import { eye, ones, tensor, zeros } from "../../../mod.ts";
import { each, row, type Rows } from "./rows.ts";
import {
  anyNumber,
  axes,
  axis,
  count,
  extents,
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
  tensorLike,
  tree,
  whole,
  word,
} from "./values.ts";

const x = () => tensorLike(tensor([[0.5, 0.25, 0.75], [0.1, 0.2, 0.3]]));
const vector = () => tensorLike(tensor([0.5, 0.25, 0.75]));
const vectorOfTwo = () => tensorLike(tensor([0.5, 0.25]));
const integers = () => tensorLike(tensor([2, 0, 1], { dtype: "i32" }));
/** What needs integers refuses numbers with a fraction, and what stands for one. */
const index = (value: unknown) => made(() => value, "-1", "-0");
const images = () => made(() => ones([1, 2, 4, 4]));
const signals = () => made(() => ones([1, 2, 6]));
const t = (value: unknown) => made(() => value);
/** Of which only shape and type are used. */
const like = made(() => zeros([2]), "disposed");
const dtype = word("f32");
const shape = extents([2, 3]);
const listOfTensors = made(() => [tensor([1]), tensor([2])]);
const anything = (value: unknown) => made(() => value, ...tree);
const someTrees = [
  ...lists,
  "{ a: 1 }",
  "like a tensor",
] as const satisfies readonly Hostile[];
const numbersInside = ["[NaN]", "[0.5]", "[-1]"] as const satisfies readonly Hostile[];

const reduce = options({ axis: axes(1), keepDims: flag(true) });
const oneAxis = options({ axis: axis(0) });
const lossOptions = { reduction: word("sum") };
const finiteNotZero = made(() => 2, "-1", "0.5", "2^31", "2^53");
const window = { stride: made(() => 1), padding: made(() => 0, "-0"), dilation: made(() => 1), groups: made(() => 1) };
const classOptions = { ...lossOptions, weight: t(tensor([1, 2, 3])), ignoreIndex: whole(1) };

const logits = () => t(tensor([[0.5, 0.25, 0.75], [0.1, 0.2, 0.3]]));
const labels = () => t(tensor([0, 1], { dtype: "i32" }));

export const opRows: Rows = {
  // making
  arange: row(finite(0), finite(3).optional, finiteNotZero.optional, options({ dtype })),
  empty: row(shape, options({ dtype })),
  zeros: row(shape, options({ dtype })),
  ones: row(shape, options({ dtype })),
  full: row(shape, anyNumber(1).or("true"), options({ dtype })),
  fullLike: row(like, anyNumber(1).or("true"), options({ dtype })),
  onesLike: row(like),
  zerosLike: row(like),
  eye: row(count(2), options({ columns: count(3), offset: whole(1), dtype })),
  iota: row(shape, axis(0)),
  linspace: row(finite(0), finite(1), made(() => 3, "-0"), options({ endpoint: flag(false), dtype })),
  meshgrid: row(made(() => [tensor([1, 2]), tensor([3])], "[]"), options({ indexing: word("xy") })),
  tensor: row(
    anyNumber([[1, 2]]).or("true", "[]", "[1, true]", ...numbersInside, "Float32Array"),
    options({ dtype, shape: made(() => [2]), copy: flag(true) }),
  ),
  fromBytes: row(made(() => new Uint8Array(8), "Float32Array"), needed({ dtype: word("u8") }, { shape: made(() => [8]) })),
  // reading
  ...each("data toArray toBytes", row(t(tensor([1, 2])))),
  show: row(made(() => tensor([1, 2]), "disposed")),
  item: row(t(tensor(1))),
  realize: row(anything(tensor([1]))),
  // elementwise
  ...each(
    `abs acos acosh asin asinh atan atanh cbrt ceil cos cosh erf exp exp2 expm1 floor isFinite isInf isNaN log log10 log1p log2
     neg reciprocal relu round rsqrt sigmoid sign sin sinh sqrt square tan tanh trunc digamma lgamma erfc erfinv gudermannian isru
     softsign logicalNot hardSigmoid hardSwish logSigmoid mish relu6 selu silu softplus stopGradient`,
    row(x()),
  ),
  ...each(
    `add atan2 div floorDivide hypot logAddExp maximum minimum mul pow rem remainder sub eq ge gt le lt ne logicalAnd logicalOr`,
    row(x(), x()),
  ),
  ...each("bitwiseAnd bitwiseOr bitwiseXor shiftLeft shiftRight", row(integers(), integers())),
  where: row(tensorLike(tensor([true, false, true])), vector(), vector()),
  cast: row(x(), dtype),
  clip: row(x(), options({ min: real(0), max: real(1) })),
  polygamma: row(x(), made(() => 1, "-0")),
  leakyRelu: row(x(), options({ negativeSlope: real(0.1) })),
  ...each("elu celu", row(x(), options({ alpha: real(1) }))),
  hardTanh: row(x(), options({ min: real(0), max: real(1) })),
  gelu: row(x(), options({ approximate: flag(true) })),
  prelu: row(x(), tensorLike(tensor(0.5))),
  // reductions
  ...each("all any countNonzero logSumExp max mean min sum prod median", row(x(), reduce)),
  ...each("argmax argmin", row(x(), options({ axis: axis(1), keepDims: flag(true) }))),
  ...each("std variance", row(x(), options({ axis: axes(1), keepDims: flag(true), correction: real(1) }))),
  norm: row(x(), options({ axis: axes(1), keepDims: flag(true), ord: real(2) })),
  normalize: row(x(), options({ axis: axes(1), ord: real(2), epsilon: made(() => 1e-12, "0.5", "2^31", "2^53") })),
  quantile: row(x(), share(0.5).or("[]", "[0.5]"), reduce),
  ...each(
    "cummax cummin cumprod cumsum logCumSumExp",
    row(x(), options({ axis: axis(0), reverse: flag(true), exclusive: flag(true) })),
  ),
  ...each("softmax logSoftmax", row(x(), oneAxis)),
  glu: row(t(ones([2, 4])), options({ axis: axis(0) })),
  // shapes
  broadcastTo: row(vector(), shape),
  expandDims: row(x(), options({ axis: axes(0) })),
  squeeze: row(t(zeros([1, 3, 1])), options({ axis: axes(0) })),
  flip: row(x(), options({ axis: axes(0) })),
  flatten: row(x(), options({ start: axis(1) })),
  moveAxis: row(x(), axes(0), axes(1)),
  permute: row(x(), made(() => [1, 0])),
  reshape: row(x(), made(() => [3, 2], "[-1]")),
  swapAxes: row(x(), axis(0), axis(1)),
  transpose: row(x(), options({ axis: made(() => [0, 1]) })),
  slice: row(x(), options({ axis: axis(1), start: whole(1).or("2^53"), stop: whole(2).or("2^53"), step: whole(1).or("2^53") })),
  chunk: row(vector(), count(2), oneAxis),
  split: row(vector(), made(() => 3), oneAxis),
  unstack: row(x(), oneAxis),
  pad: row(
    vector(),
    needed({ low: made(() => [1], "[-1]"), high: made(() => [1], "[-1]") }, {
      interior: made(() => [0]),
      value: anyNumber(0),
      mode: word("constant"),
    }),
  ),
  concat: row(listOfTensors, oneAxis),
  stack: row(made(() => [tensor([1]), tensor([2])], "[1, true]", ...numbersInside), oneAxis),
  repeat: row(vector(), count(2), oneAxis),
  roll: row(vector(), whole(1).or("[-1]"), options({ axis: axis(0).or("[-1]") })),
  tile: row(vector(), count(2).or("[]")),
  take: row(vector(), index(1), oneAxis),
  takeAlongAxis: row(vector(), t(tensor([1, 0], { dtype: "i32" })), oneAxis),
  // order
  argsort: row(x(), options({ axis: axis(1), descending: flag(true) })),
  sort: row(x(), options({ axis: axis(1), descending: flag(true) })),
  topK: row(x(), made(() => 1, "-0"), options({ axis: axis(1), largest: flag(false) })),
  // indices
  scatterAdd: row(vector(), t(tensor([1, 0], { dtype: "i32" })), tensorLike(tensor([1, 2])), oneAxis),
  at: row(vector(), made(() => [1], "-1", "-0", "null", "[]", "[-1]", "{}")),
  ...each(
    "addAt setAt",
    row(vector(), made(() => [1], "-1", "-0", "null", "[]", "[-1]", "{}"), tensorLike(5)),
  ),
  dynamicSlice: row(vector(), made(() => [0], "[-1]"), made(() => [2])),
  dynamicUpdateSlice: row(vector(), t(tensor([1, 2])), made(() => [0], "[-1]")),
  oneHot: row(labels().or("-1", "-0", "true"), count(3)),
  // products
  dot: row(vector(), vector()),
  ...each("matmul", row(t(eye(2)), t(eye(2)))),
  einsum: row(word("i,i->"), vector(), vector()),
  inner: row(vector(), vector()),
  outer: row(t(tensor([1])), t(tensor([1]))),
  tensordot: row(x(), t(ones([3, 2])), options({ axis: made(() => 1, "-0") })),
  diag: row(t(tensor([1, 2])), options({ offset: whole(1) })),
  diagonal: row(x(), options({ offset: whole(1), axis: made(() => [0, 1]) })),
  trace: row(x(), options({ offset: whole(1), axis: made(() => [0, 1]) })),
  ...each("tril triu", row(x(), options({ offset: whole(1) }))),
  ...each("linalg.cholesky linalg.inv linalg.det linalg.slogdet linalg.qr linalg.eigh linalg.svd", row(t(eye(2)))),
  ...each("linalg.solve linalg.lstsq", row(t(eye(2)), vectorOfTwo())),
  "linalg.pinv": row(t(eye(2)), options({ tolerance: share(0.5) })),
  "linalg.choleskySolve": row(t(eye(2)), vectorOfTwo(), options({ upper: flag(true) })),
  "linalg.solveTriangular": row(t(eye(2)), vectorOfTwo(), options({ upper: flag(true), unitDiagonal: flag(true) })),
  // windows
  conv1d: row(signals(), t(ones([2, 2, 3])), options({ ...window, bias: t(zeros([2])), paddingMode: word("zeros") })),
  conv2d: row(images(), t(ones([2, 2, 3, 3])), options({ ...window, bias: t(zeros([2])), paddingMode: word("zeros") })),
  convTranspose1d: row(
    signals(),
    t(ones([2, 2, 3])),
    options({ ...window, bias: t(zeros([2])), outputPadding: made(() => 0, "-0") }),
  ),
  convTranspose2d: row(
    images(),
    t(ones([2, 2, 3, 3])),
    options({ ...window, bias: t(zeros([2])), outputPadding: made(() => 0, "-0") }),
  ),
  ...Object.fromEntries(["1d", "2d"].flatMap((rank) => {
    const input = rank === "1d" ? signals() : images();
    const { stride, padding, dilation } = window;
    const shared = { stride, padding, ceilMode: flag(true) };
    return [
      [`maxPool${rank}`, row(input, needed({ kernel: made(() => 2) }, { ...shared, dilation }))],
      [
        `avgPool${rank}`,
        row(
          input,
          needed({ kernel: made(() => 2) }, {
            ...shared,
            countIncludePad: flag(true),
            divisorOverride: finiteNotZero,
          }),
        ),
      ],
    ];
  })),
  ...each("adaptiveAvgPool2d adaptiveMaxPool2d", row(images(), made(() => 2))),
  globalAvgPool2d: row(images(), options({ keepDims: flag(true) })),
  interpolate: row(
    images(),
    options({ size: made(() => 3), scaleFactor: made(() => undefined), mode: word("bilinear"), alignCorners: flag(false) }),
  ),
  // normalization
  layerNorm: row(
    x(),
    options({
      axis: axes(1),
      weight: tensorLike(ones([3])),
      bias: tensorLike(ones([3])),
      epsilon: made(() => 1e-5, "0.5", "2^31", "2^53"),
    }),
  ),
  rmsNorm: row(
    x(),
    options({ axis: axes(1), weight: tensorLike(ones([3])), epsilon: made(() => 1e-5, "0.5", "2^31", "2^53") }),
  ),
  instanceNorm: row(
    images(),
    options({ weight: t(ones([2])), bias: t(ones([2])), epsilon: made(() => 1e-5, "0.5", "2^31", "2^53") }),
  ),
  groupNorm: row(
    images(),
    needed({ groups: made(() => 1) }, {
      weight: t(ones([2])),
      bias: t(ones([2])),
      epsilon: made(() => 1e-5, "0.5", "2^31", "2^53"),
    }),
  ),
  // losses
  crossEntropy: row(logits(), labels(), options({ ...classOptions, labelSmoothing: share(0.1) })),
  focalLoss: row(logits(), labels(), options({ ...classOptions, labelSmoothing: share(0.1), gamma: positive(2) })),
  polyLoss: row(logits(), labels(), options({ ...classOptions, labelSmoothing: share(0.1), epsilon: real(1) })),
  nllLoss: row(logits(), labels(), options(classOptions)),
  ...each(
    "binaryCrossEntropy binaryCrossEntropyWithLogits l1Loss mseLoss",
    row(t(tensor([0.5])), t(tensor([0.5])), options(lossOptions)),
  ),
  binaryFocalLoss: row(
    t(tensor([0.5])),
    t(tensor([0.5])),
    options({ ...lossOptions, alpha: share(0.5).or("null"), gamma: positive(2) }),
  ),
  huberLoss: row(t(tensor([0.5])), t(tensor([0.5])), options({ ...lossOptions, delta: made(() => 1, "0.5", "2^31", "2^53") })),
  smoothL1Loss: row(t(tensor([0.5])), t(tensor([0.5])), options({ ...lossOptions, beta: positive(1) })),
  klDivergence: row(t(tensor([0.5])), t(tensor([0.5])), options({ ...lossOptions, logTarget: flag(true) })),
  ...each(
    "l1Penalty l2Penalty",
    row(made(() => ({ w: tensor([1]) }), "[]", "{}", ...someTrees), options({ mask: made(() => true, "true", "function") })),
  ),
  cosineSimilarity: row(vector(), vector(), options({ axis: axis(0), epsilon: made(() => 1e-8, "0.5", "2^31", "2^53") })),
  cosineEmbeddingLoss: row(
    t(ones([2, 3])),
    t(ones([2, 3])),
    t(tensor([1, -1])),
    options({ ...lossOptions, margin: real(0) }),
  ),
  tripletMarginLoss: row(t(ones([2, 3])), t(ones([2, 3])), t(zeros([2, 3])), options({ ...lossOptions, margin: real(1) })),
};
