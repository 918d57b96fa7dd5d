/**
 * The conformance suite of ONNX: models with inputs and the outputs that they must give, as Debian's `libonnx-testdata` has them.
 *
 * @module
 */
import { type DeviceName, setDevice, type Tensor, toArray } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import { fromBinary, TensorProtoSchema } from "../../onnx/deps.ts";
import { tensorOf } from "../../onnx/proto.ts";

/** Where Debian puts it. */
export const suiteFolder = "/usr/share/libonnx-testdata/data";

/** How a case ended. */
export type Outcome =
  | { readonly kind: "passed" }
  /** The model was refused when it was loaded. */
  | { readonly kind: "unsupported"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

/** The cases of a folder of the suite; none if it is not installed. */
export function casesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(`${suiteFolder}/${folder}`)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** Runs a case on a device: every data set it has. */
export async function runCase(path: string, device: DeviceName): Promise<Outcome> {
  await setDevice(device);
  try {
    const loaded = await onnx.load(`${path}/model.onnx`)();
    if (loaded._tag === "Left") {
      return { kind: loaded.left.kind === "Unsupported" ? "unsupported" : "failed", why: loaded.left.message };
    }
    for (let set = 0; exists(`${path}/test_data_set_${set}`); set++) await runSet(loaded.right, `${path}/test_data_set_${set}`);
    return { kind: "passed" };
  } catch (error) {
    if (error instanceof Unreadable) return { kind: "unsupported", why: error.message };
    // A device that has no f64 says so.
    return { kind: /Cannot compute f64/.test(`${error}`) ? "unsupported" : "failed", why: `${error}` };
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}

async function runSet(model: onnx.Model, path: string): Promise<void> {
  const read = (kind: string, count: number) =>
    Array.from({ length: count }, (_, i) => Deno.readFileSync(`${path}/${kind}_${i}.pb`));
  await checkModel(model, read("input", model.inputs.length), read("output", model.outputs.length));
}

/** Applies a model to values as files have them, and compares what it gives with others. */
export async function checkModel(
  { params, inputs, outputs, apply }: onnx.Model,
  given: readonly Uint8Array<ArrayBuffer>[],
  expected: readonly Uint8Array<ArrayBuffer>[],
): Promise<void> {
  const results = apply<onnx.NamedValues>(
    params,
    Object.fromEntries(inputs.map(({ name, type }, i) => [name, readValue(given[i], type)])),
  );
  for (const [i, { name, type }] of outputs.entries()) await compare(results[name], readValue(expected[i], type), name);
}

async function compare(given: Tensor | readonly Tensor[], expected: Tensor | readonly Tensor[], name: string): Promise<void> {
  if (Array.isArray(given) || Array.isArray(expected)) {
    const [these, those] = [given as readonly Tensor[], expected as readonly Tensor[]];
    if (these.length !== those.length) throw new Error(`${name} has ${these.length} items instead of ${those.length}`);
    for (const [i, each] of these.entries()) await compare(each, those[i], `${name}[${i}]`);
    return;
  }
  const [x, y] = [given as Tensor, expected as Tensor];
  if (`${x.shape}` !== `${y.shape}`) throw new Error(`${name} has shape [${x.shape}] instead of [${y.shape}]`);
  if (x.dtype !== y.dtype) throw new Error(`${name} is ${x.dtype} instead of ${y.dtype}`);
  const [these, those] = [numbersOf(await toArray(x)), numbersOf(await toArray(y))];
  const wrong = these.findIndex((value, i) => !isClose(value, those[i], x.dtype));
  if (wrong >= 0) throw new Error(`${name} has ${these[wrong]} instead of ${those[wrong]} at ${wrong}`);
}

/** As ONNX's own test runner compares. */
function isClose(given: number, expected: number, dtype: string): boolean {
  if (Object.is(given, expected) || given === expected) return true;
  const relative = dtype === "bf16" || dtype === "f16" ? 1e-2 : 1e-3;
  return Math.abs(given - expected) <= 1e-7 + relative * Math.abs(expected);
}

function numbersOf(nested: unknown): number[] {
  return [nested].flat(Infinity).map(Number);
}

/** Why a case cannot be tried: its data are of a type that no tensor has. */
class Unreadable extends Error {}

/** A value of a file: a tensor, or a list of them. */
function readValue(bytes: Uint8Array<ArrayBuffer>, type: string | undefined): Tensor | Tensor[] {
  try {
    const read = (each: Uint8Array<ArrayBuffer>) => {
      const proto = fromBinary(TensorProtoSchema, each);
      // NumPy has no bfloat16: the suite writes its bits as integers.
      if (type === "bfloat16") proto.dataType = 16;
      return tensorOf(proto, proto.name, { file: "the suite", external: new Map() });
    };
    return type === undefined ? readList(bytes, read) : read(bytes);
  } catch (error) {
    throw new Unreadable(`${error}`);
  }
}

/** A sequence, or an optional, which is a list of none or one: of tensors (field 3) or of sequences (field 5). */
function readList(bytes: Uint8Array<ArrayBuffer>, read: (bytes: Uint8Array<ArrayBuffer>) => Tensor): Tensor[] {
  const inner = fieldsOf(bytes, 5).map((each) => readList(each, read)) as unknown as Tensor[];
  return [...fieldsOf(bytes, 3).map(read), ...inner];
}

/** The parts of a message that have a number and a length. */
function fieldsOf(bytes: Uint8Array<ArrayBuffer>, wanted: number): Uint8Array<ArrayBuffer>[] {
  const found: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const length = varint();
    if ((tag & 7) === 0) continue;
    if (tag >> 3 === wanted) found.push(bytes.slice(at, at + length));
    at += length;
  }
  return found;
}
