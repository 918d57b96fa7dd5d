/**
 * The categories of public names. A name belongs to that of its file: a file is one topic. `deno doc --html` shows `@category` tags of
 * declaration files only, so they stand here, once, and not behind each of the names.
 *
 * @module
 */

/** A category: where its names are shown. */
export interface Category {
  readonly title: string;
  /** What its names are for. */
  readonly about: string;
  /** Files, and folders with a slash behind them, whose public names belong to it. */
  readonly files: readonly string[];
}

/** Files of one folder by name. */
const within = (folder: string, names: string) => names.split(" ").map((name) => `${folder}/${name}.ts`);

/** Every category, in the order in which they are shown. */
export const categories: readonly Category[] = [
  {
    title: "Tensors",
    about: "What a tensor is, how one is made, and its element types.",
    files: [...within("core", "tensor dtype shape"), ...within("core/ops", "from_values creation constant cast")],
  },
  {
    title: "Reading values",
    about: "Computing what is pending, and its numbers.",
    files: within("core/execution", "read realize print"),
  },
  {
    title: "Arithmetic and comparison",
    about: "Two tensors, or a tensor and a number, are broadcast against each other.",
    files: within("core/ops", "arithmetic binary polar compare logic select"),
  },
  {
    title: "Functions of each element",
    about: "Mathematics, element by element.",
    files: within("core/ops", "unary gamma special"),
  },
  {
    title: "Activations",
    about: "What stands between the layers of a network; plain functions, and so stages of a model.",
    files: within("core/ops", "activations nn"),
  },
  {
    title: "Reductions",
    about: "Sums, means, extrema and norms along axes, and running ones.",
    files: within("core/ops", "sum reduce prod norm cumulative"),
  },
  {
    title: "Shapes and joins",
    about: "Other shapes of the same elements; tensors joined, split, padded, repeated.",
    files: within("core/ops", "reshape movement split concat pad triangular"),
  },
  {
    title: "Parts and indices",
    about: "Parts of a tensor, read and written; sorting.",
    files: within("core/ops", "slice index take scatter dynamic sort"),
  },
  {
    title: "Products",
    about: "Matrix products and all that one equation of letters can say.",
    files: within("core/ops", "matmul einsum"),
  },
  {
    title: "Linear algebra",
    about: "Factors of matrices, and the systems of equations that they solve.",
    files: ["linalg/"],
  },
  {
    title: "Images and signals",
    about: "Convolutions, pools, resizing: windows over [batch, channels, height, width].",
    files: within("core/ops", "conv conv_transpose pool adaptive_pool interpolate window"),
  },
  {
    title: "Norms and attention",
    about: "The mathematics of layers that have a state or many heads.",
    files: ["core/ops/normalize.ts", "layers/attention.ts"],
  },
  {
    title: "Losses",
    about: "From predictions and targets to the number that training makes small.",
    files: within("core/ops", "class_losses losses vector_losses penalties"),
  },
  {
    title: "Derivatives",
    about: "Functions that make a function's derivative, of any order, and check it.",
    files: [...within("core/grad", "grad vjp jvp jacobian checkpoint custom"), "core/execution/check_gradients.ts"],
  },
  {
    title: "Batches, loops, compilation",
    about: "Functions that make of a function one on batches, over sequences, or compiled.",
    files: [
      ...within("core/grad", "vmap scan"),
      ...within("core/execution", "jit refused tensor_program"),
      "core/traced_number.ts",
    ],
  },
  {
    title: "Trees",
    about: "Records and lists of tensors: parameters, states, batches.",
    files: within("core", "tree mask with_args"),
  },
  {
    title: "Random numbers",
    about: "Numbers that are a function of a key.",
    files: ["core/random.ts"],
  },
  {
    title: "Devices and debugging",
    about: "Where programs run, and what they print while they do.",
    files: [...within("core/execution", "current_device debug"), "core/values/device.ts"],
  },
  {
    title: "Errors",
    about: "What is thrown, with its facts as fields; results that may be errors.",
    files: within("core", "errors or_throw"),
  },
  {
    title: "Models",
    about: "Layers put together, their parameters, their names.",
    files: within("layers", "layer serial compose connections from_function init named state_dict summary flatten"),
  },
  {
    title: "Layers",
    about: "Linear and convolutional layers, pools, norms, dropout.",
    files: within("layers", "linear conv conv_transpose pool channels batch_norm layer_norm dropout"),
  },
  {
    title: "Layers of sequences",
    about: "Embeddings, attention, recurrent layers.",
    files: within(
      "layers",
      "embedding multi_head_attention transformer recurrent recurrent_cell cell_types",
    ),
  },
  {
    title: "Initializers",
    about: "How weights begin.",
    files: ["layers/initializers/"],
  },
  {
    title: "Known networks",
    about: "From LeNet to ResNet and DenseNet, with the parameter names of torchvision.",
    files: ["layers/zoo/"],
  },
  {
    title: "Optimizers",
    about: "From gradients to updates.",
    files: within("optimizers", "optimizer sgd adam adagrad adadelta rmsprop lion"),
  },
  {
    title: "Parts of optimizers",
    about: "To chain with an optimizer: clipping, decay, averages, parts of a model that stay as they are.",
    files: within("optimizers", "chain clip decay partition average accumulate gradient_norms"),
  },
  {
    title: "Learning rates",
    about: "Rates as functions of the step.",
    files: ["optimizers/rate.ts", "optimizers/schedules/"],
  },
  {
    title: "Data sets",
    about: "Digits, clothes, small pictures: downloaded once, with digests checked, or drawn by our own code.",
    files: [
      ...within("datasets", "mnist fashion_mnist cifar10 cifar10_source synthetic idx_dataset idx_source"),
      ...within("datasets", "digest errors options types"),
      "core/words.ts",
    ],
  },
  {
    title: "Data of your own",
    about: "Folders of images, tables, arrays.",
    files: [...within("datasets", "image_folder csv arrays"), "datasets/images/", "datasets/tables/"],
  },
  {
    title: "Batches and loaders",
    about: "From a set to the batches of a training, in an order that a key decides.",
    files: [...within("datasets", "batches split order shard"), "datasets/loader/", "core/random_stream.ts"],
  },
  {
    title: "Transforms of images",
    about: "Crops, mirrors, turns and colours of batches, on the way to the training.",
    files: ["datasets/transforms/"],
  },
  {
    title: "Files of tensors",
    about: "safetensors, PyTorch's and NumPy's files.",
    files: [...within("formats", "errors types"), "formats/numpy/", "formats/safetensors/", "formats/torch/"],
  },
  {
    title: "Checkpoints",
    about: "All that it takes to go on with a training.",
    files: ["formats/checkpoints/"],
  },
  {
    title: "Several processes",
    about: "Values exchanged between processes that train together: the entry `distributed/mod.ts`.",
    files: ["distributed/"],
  },
  {
    title: "ONNX",
    about: "Networks from other frameworks as functions, and functions as files for others: the entry `onnx/mod.ts`.",
    files: ["onnx/"],
  },
  {
    title: "Pictures and logs",
    about: "Charts and images as files, in the terminal and in notebooks, logs for TensorBoard: the entry `visual/mod.ts`.",
    files: ["visual/", "core/notebook/"],
  },
];

/** The category of a file's names, if it has one; a file that is named comes before its folder. */
export function categoryOf(file: string): Category | undefined {
  return categories.find(({ files }) => files.includes(file)) ??
    categories.find(({ files }) => files.some((each) => each.endsWith("/") && file.startsWith(each)));
}
