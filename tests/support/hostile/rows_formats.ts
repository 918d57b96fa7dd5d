/**
 * Files of other programs. What would read or write one is made, but not run.
 *
 * @module
 */
import { tensor } from "../../../mod.ts";
import { each, row, type Rows } from "./rows.ts";
import { count, made, options, real, text, tree, word } from "./values.ts";

const bytes = made(() => new Uint8Array(8));
const path = text("nowhere");
const x = made(() => tensor([1, 2]));
const named = made(() => ({ a: tensor([1, 2]) }), "{}", "Date", "Promise");
const decoding = options({ file: text("x.npy") });

export const formatRows: Rows = {
  "checkpoints.latest": row(path),
  "checkpoints.list": row(path),
  "checkpoints.save": row(
    path,
    count(3),
    made(() => ({ a: tensor([1, 2]) }), ...tree),
    options({ keep: made(() => 2, "-0", "2^31"), metric: real(0.5), best: word("min") }),
  ),
  "checkpoints.restore": row(path, made(() => ({ a: tensor([1, 2]) }), ...tree), options({ step: count(3) })),
  "formats.npy.encode": row(x),
  "formats.npy.save": row(path, made(x.value, "disposed")),
  "formats.npz.encode": row(named),
  "formats.npz.save": row(path, named),
  ...each(
    "formats.npy.decode formats.npz.decode formats.safetensors.decode formats.torch.decode",
    row(bytes, decoding),
  ),
  ...each(
    "formats.npy.load formats.npz.load formats.safetensors.load formats.safetensors.open formats.torch.load",
    row(path),
  ),
  "formats.torch.tensors": row(made(() => ({ a: tensor([1, 2]) }), ...tree)),
  "formats.safetensors.encode": row(named, options({ metadata: made(() => ({ a: "b" }), "{}") })),
  "formats.safetensors.save": row(path, named, options({ metadata: made(() => ({ a: "b" }), "{}") })),
};
