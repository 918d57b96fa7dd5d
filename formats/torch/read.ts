/**
 * Files that `torch.save` writes: a zip archive with a pickle of the whole and the numbers of each storage.
 *
 * @see https://pytorch.org/docs/stable/notes/serialization.html
 * @module
 */
import { naturals } from "../../core/kinds.ts";
import { quoted } from "../../core/quoted.ts";
import { Tensor } from "../../core/tensor.ts";
import { tensorFrom } from "../elements.ts";
import { broken } from "../failures.ts";
import type { ElementName } from "../safetensors/types.ts";
import { type Members, unzip } from "../zip.ts";
import { describe, emptyDict, Maker, type Pickled, PickleError, unpickle } from "./pickle.ts";
import type { TorchValue } from "./types.ts";

const format = "a PyTorch file";
/** How files of PyTorch before 1.6 begin. */
const oldMagic = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** Bytes of an element, and its type. */
const storages: Readonly<Record<string, readonly [bytes: number, type: ElementName]>> = {
  "torch.FloatStorage": [4, "F32"],
  "torch.DoubleStorage": [8, "F64"],
  "torch.HalfStorage": [2, "F16"],
  "torch.BFloat16Storage": [2, "BF16"],
  "torch.LongStorage": [8, "I64"],
  "torch.IntStorage": [4, "I32"],
  "torch.ShortStorage": [2, "I16"],
  "torch.CharStorage": [1, "I8"],
  "torch.ByteStorage": [1, "U8"],
  "torch.BoolStorage": [1, "BOOL"],
};

/** Numbers of one type that tensors see through their strides. */
class Storage {
  constructor(
    readonly key: string,
    readonly type: ElementName,
    readonly width: number,
    readonly bytes: Uint8Array,
  ) {}

  get size(): number {
    return this.bytes.length / this.width;
  }
}

/**
 * The value that the bytes of a file hold.
 *
 * @throws {Failure} If they are no whole file, or hold what is not understood.
 */
export async function readTorch(bytes: Uint8Array, file: string): Promise<TorchValue> {
  if (oldMagic.every((byte, i) => bytes[i] === byte)) {
    const remedy = "load it in PyTorch 1.6 or later and save it again";
    throw broken(file, format, "archive", `it is of the format before PyTorch 1.6: ${remedy}`);
  }
  const members = await unzip(bytes, file, format);
  const path = [...members.keys()].find((each) => each === "data.pkl" || each.endsWith("/data.pkl"));
  if (path === undefined) throw broken(file, format, "archive", "its archive has no data.pkl");
  const folder = path.slice(0, -"data.pkl".length);
  const order = members.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(order).trim() !== "little") {
    throw broken(file, format, "byte order", `its numbers are in the order ${new TextDecoder().decode(order)}`);
  }
  try {
    return new Reader(members, folder, file, bytes.length).read(members.get(path)!);
  } catch (error) {
    if (error instanceof PickleError) throw broken(file, format, "pickle", error.message);
    throw error;
  }
}

class Reader {
  readonly #members: Members;
  readonly #folder: string;
  readonly #file: string;
  readonly #storages = new Map<string, Storage>();
  /** Tensors may see one number many times: as many bytes as may still be made of them. */
  #left: number;

  constructor(members: Members, folder: string, file: string, fileBytes: number) {
    this.#members = members;
    this.#folder = folder;
    this.#file = file;
    this.#left = Math.max(2 ** 24, 16 * fileBytes);
  }

  read(pickle: Uint8Array): TorchValue {
    const value = unpickle(pickle, { maker: (name) => this.#maker(name), persistent: (id) => this.#storage(id) });
    checkValue(value);
    return value as TorchValue;
  }

  #maker(name: string): Maker | undefined {
    if (Object.hasOwn(storages, name)) return new Maker(name);
    switch (name) {
      case "collections.OrderedDict":
        return new Maker(name, (args) => orderedDict(args));
      case "torch.Size":
        return new Maker(name, ([extents]) => extents);
      case "torch._utils._rebuild_tensor_v2":
        return new Maker(name, (args) => this.#tensor(args));
      case "torch._utils._rebuild_parameter":
        return new Maker(name, ([tensor]) => tensor);
      default:
        return undefined;
    }
  }

  /** ("storage", type, key, place, number of elements) */
  #storage(id: Pickled): Storage {
    const [kind, type, key, , size] = Array.isArray(id) ? id : [];
    const name = type instanceof Maker ? type.name : "";
    if (kind !== "storage" || typeof key !== "string" || !Object.hasOwn(storages, name)) {
      throw new PickleError(`it refers to ${describe(id)} in place of a storage of numbers`);
    }
    const [width, elements] = storages[name];
    const known = this.#storages.get(key);
    if (known && known.type !== elements) throw new PickleError(`its storage ${key} is of two types`);
    const bytes = this.#members.get(`${this.#folder}data/${key}`);
    if (!bytes) throw new PickleError(`its storage ${key} is not in the archive`);
    if (bytes.length !== Number(size) * width) {
      throw new PickleError(
        `its storage ${key} of ${size} elements should have ${Number(size) * width} bytes, but has ${bytes.length}`,
      );
    }
    const storage = known ?? new Storage(key, elements, width, bytes);
    this.#storages.set(key, storage);
    return storage;
  }

  /** (storage, offset, size, stride, ...) */
  #tensor([storage, offset, shape, strides]: readonly Pickled[]): Tensor {
    if (!(storage instanceof Storage) || !naturals.holds([offset]) || !naturals.holds(shape) || !naturals.holds(strides)) {
      throw new PickleError("it makes a tensor of something else than a storage with a shape and strides");
    }
    const at = `its tensor in storage ${storage.key}`;
    if (shape.length !== strides.length) throw new PickleError(`${at} has shape ${quoted(shape)} and strides ${quoted(strides)}`);
    const count = shape.reduce((product, extent) => product * extent, 1);
    const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis], offset as number);
    if (count > 0 && !(last < storage.size)) {
      throw new PickleError(`${at} reaches to element ${last}, but there are ${storage.size}`);
    }
    this.#left -= count * storage.width;
    // Not a number, if the shape has so many elements that they cannot be counted.
    if (!(this.#left >= 0)) throw new PickleError(`${at} of shape ${quoted(shape)} is too large for the file it is in`);
    const bytes = gather(storage, offset as number, shape, strides, count);
    return tensorFrom(bytes, { file: this.#file, format, entry: storage.key, type: storage.type, shape });
  }
}

/** The bytes of the elements that strides see, in row-major order. */
function gather(
  storage: Storage,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
  count: number,
): ArrayBuffer {
  const { width, bytes } = storage;
  if (count === 0) return new ArrayBuffer(0);
  // Inner axes that lie one element after the other are copied at once.
  let inner = shape.length;
  let run = 1;
  while (inner > 0 && (strides[inner - 1] === run || shape[inner - 1] === 1)) run *= shape[--inner];
  const made = new Uint8Array(count * width);
  const position = new Array<number>(inner).fill(0);
  let from = offset;
  for (let at = 0; at < count; at += run) {
    made.set(bytes.subarray(from * width, (from + run) * width), at * width);
    for (let axis = inner - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++position[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis];
      position[axis] = 0;
    }
  }
  return made.buffer;
}

function orderedDict(args: readonly Pickled[]): Pickled {
  if (args.length > 0) throw new PickleError("it makes a dict from a list of items");
  return emptyDict();
}

/** Nothing of the machine may be left in the value. */
function checkValue(value: Pickled): void {
  const pending = [value];
  while (pending.length > 0) {
    const each = pending.pop();
    if (typeof each === "symbol") throw new PickleError("it leaves a mark in its value");
    if (typeof each !== "object" || each === null || each instanceof Tensor) continue;
    if (!Array.isArray(each) && Object.getPrototypeOf(each) !== Object.prototype) {
      throw new PickleError(`it holds ${describe(each)}, which is no tensor, number or text`);
    }
    for (const item of Object.values(each)) pending.push(item);
  }
}
