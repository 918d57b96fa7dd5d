/**
 * Transforms of images against PyTorch, values and gradients, on every device.
 *
 * @module
 */
import { datasets, tensor } from "../../mod.ts";
import stored from "../fixtures/transforms.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { type Call, testParity } from "./run.ts";

const { resize, resizedCrop, rotate } = datasets.transforms;

/** The options of the fixtures: sizes and angles are among them. */
type ResizeCall = datasets.transforms.ResizeOptions & { readonly size: [number, number] };
type RotateCall = datasets.transforms.RotationOptions & { readonly degrees: number[] };

const resized: Call = ({ x }, options) => {
  const { size, ...rest } = options as unknown as ResizeCall;
  return resize(size, rest)(x);
};

const rotated: Call = ({ x }, options) => {
  const { degrees, ...rest } = options as unknown as RotateCall;
  return rotate(x, degrees.length === 1 ? degrees[0] : tensor(degrees, { dtype: x.dtype }), rest);
};

type CropCall = datasets.transforms.ResizedCropOptions & {
  readonly boxes: readonly (readonly number[])[];
  readonly size: [number, number];
};

const cropped: Call = ({ x }, options) => {
  const { boxes, size, ...rest } = options as unknown as CropCall;
  return resizedCrop(x, tensor(boxes.length === 1 ? boxes[0] : boxes), size, rest);
};

testParity("transforms agree with PyTorch", stored.transforms as unknown as readonly OperationFixture[], {
  f32: 1e-5,
  f64: 1e-10,
  calls: { resize: resized, resizedCrop: cropped, rotate: rotated },
});
