/**
 * How batches are made: what runs in workers, and without workers on the main thread.
 *
 * A worker gets the text of these functions, so that it needs no file of its own and works with any address the library was imported from. So
 * they refer to nothing but each other.
 *
 * @module
 */
import type { TypedArray } from "../../core/dtype.ts";
import type { Words } from "../../core/words.ts";
import type { ImageShape } from "../types.ts";
import type { Example } from "./example.ts";

/** Which batch to make. */
export interface BatchRequest {
  /** Its number. */
  readonly batch: number;
  /** Its examples. */
  readonly indices: Uint32Array;
  /** The batch's key. */
  readonly key: Words;
  /** The key of each example: two words each. */
  readonly keys: Uint32Array;
}

/** Makes the batch of a request. */
export type Make = (request: BatchRequest) => unknown;

/** Batches of images in memory. */
export interface ImagesTask {
  readonly kind: "images";
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  readonly shape: ImageShape;
  /** What each of the 256 bytes becomes, channel by channel; left out, bytes stay bytes. */
  readonly values?: Float32Array;
}

/** Batches of arrays in memory. */
export interface ArraysTask {
  readonly kind: "arrays";
  readonly arrays: Readonly<Record<string, TypedArray>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** Batches made by functions that a module exports. */
export interface ModuleTask {
  readonly kind: "module";
  readonly url: string;
  readonly options: unknown;
}

/** What a worker is to do. */
export type Task = ImagesTask | ArraysTask | ModuleTask;

/** Makes one example. */
export type MakeExample = (index: number, key: Words, options: unknown) => Example | Promise<Example>;

/** Makes a batch of examples; `keys` are those of the examples, two words each. */
export type MakeBatch = (indices: Uint32Array, key: Words, options: unknown, keys: Uint32Array) => unknown;

/** What a module exports: one of the two. */
export interface Makers {
  readonly example?: MakeExample;
  readonly batch?: MakeBatch;
}

/** What a worker sends back. */
export type Reply =
  | { readonly kind: "result"; readonly batch: number; readonly value: unknown }
  /** Without `batch`, the worker cannot make any. */
  | { readonly kind: "error"; readonly batch?: number; readonly error: ErrorRecord };

/** An error as a plain record, which can be sent. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** What is used of the port to the main thread. */
interface Port {
  on(event: "message", listener: (request: BatchRequest) => void): void;
  postMessage(reply: Reply, transfer?: readonly ArrayBuffer[]): void;
}

/** The text of the worker's module. */
export function workerSource(): string {
  const functions = [serve, makeFor, makeImages, makeArrays, gatherArrays, makeWith, collate, withTransferList];
  return `import { parentPort, workerData } from "node:worker_threads";\n${functions.join("\n")}\nserve(parentPort, workerData);`;
}

/** Handles requests in the order in which they come. */
function serve(port: Port, task: Task): void {
  const starting = makeFor(task);
  const fail = (error: unknown, batch?: number) => {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    port.postMessage({ kind: "error", batch, error: { name, message, stack } });
  };
  starting.catch((error) => fail(error));
  port.on("message", async (request) => {
    const { batch } = request;
    // A failed start has been reported for all batches at once.
    const make = await starting.catch(() => undefined);
    if (!make) return;
    try {
      const [value, buffers] = withTransferList(await make(request));
      port.postMessage({ kind: "result", batch, value }, buffers);
    } catch (error) {
      fail(error, batch);
    }
  });
}

/** The function that makes the batches of a task. */
export async function makeFor(task: Task): Promise<Make> {
  if (task.kind === "images") return makeImages(task);
  if (task.kind === "arrays") return makeArrays(task);
  return makeWith(await import(task.url), task.options, task.url);
}

/** Gathers images and labels, and looks up what their bytes become. */
function makeImages({ images, labels, shape, values }: ImagesTask): Make {
  const [channels, height, width] = shape;
  const plane = height * width, size = channels * plane;
  return ({ indices }) => {
    const count = indices.length;
    const made = values ? new Float32Array(count * size) : new Uint8Array(count * size);
    indices.forEach((index, i) => {
      const image = images.subarray(index * size, (index + 1) * size);
      if (!values) return made.set(image, i * size);
      for (let channel = 0, at = 0; channel < channels; channel++) {
        for (const end = at + plane; at < end; at++) made[i * size + at] = values[256 * channel + image[at]];
      }
    });
    return { images: made, labels: Int32Array.from(indices, (index) => labels[index]), count, shape: [count, ...shape] };
  };
}

/** Makes batches of arrays. */
function makeArrays(task: ArraysTask): Make {
  return ({ indices }) => gatherArrays(task, indices);
}

/** The examples of arrays at some indices: each name's one after the other, their number, and the shapes. */
export function gatherArrays({ arrays, shapes }: Omit<ArraysTask, "kind">, indices: ArrayLike<number>): unknown {
  const count = indices.length;
  const gathered = Object.entries(arrays).map(([name, array]) => {
    const size = shapes[name].reduce((product, extent) => product * extent, 1);
    const made = array.slice(0, 0);
    const rows = new (made.constructor as new (length: number) => TypedArray)(count * size);
    for (let i = 0; i < count; i++) rows.set(array.subarray(indices[i] * size, (indices[i] + 1) * size), i * size);
    return { name, rows, shape: [count, ...shapes[name]] };
  });
  // An array may have any name, "__proto__" too.
  const named = <A>(of: (each: typeof gathered[number]) => A) =>
    Object.fromEntries(gathered.map((each) => [each.name, of(each)]));
  return { count, ...named(({ rows }) => rows), shapes: named(({ shape }) => shape) };
}

/** Makes batches by a function of the user's; `where` says where it should be. */
export function makeWith({ example, batch }: Makers, options: unknown, where: string): Make {
  if (typeof batch === "function") return ({ indices, key, keys }) => batch(indices, key, options, keys);
  if (typeof example !== "function") throw new TypeError(`${where} has no function "example" or "batch"`);
  return async ({ indices, keys }) =>
    collate(
      await Promise.all(Array.from(indices, (index, i) => example(index, [keys[2 * i], keys[2 * i + 1]], options))),
      indices,
    );
}

/** The arrays of examples by name, each name's one after the other. */
function collate(examples: readonly Example[], indices: Uint32Array): unknown {
  const fields = Object.entries(examples[0] ?? {}).map(([name, first]) => {
    examples.forEach(({ [name]: field }, i) => {
      const what = `field "${name}" of example ${indices[i]}`;
      if (!ArrayBuffer.isView(field) || !("length" in field)) {
        throw new TypeError(`Cannot put ${what} into a batch: it must be a typed array, of one element for a number`);
      }
      if (field.constructor !== first.constructor || field.length !== first.length) {
        const [found, expected] = [field, first].map((array) => `${array.constructor.name} of ${array.length}`);
        throw new TypeError(`Cannot put ${what} into a batch: it is a ${found}, but that of example ${indices[0]} a ${expected}`);
      }
    });
    const made = first.slice(0, 0);
    const joined = new (made.constructor as new (length: number) => TypedArray)(first.length * examples.length);
    examples.forEach(({ [name]: field }, i) => joined.set(field, i * first.length));
    return [name, joined] as const;
  });
  return { count: examples.length, ...Object.fromEntries(fields) };
}

/**
 * A batch to send, and the list of the buffers that are transferred with it: its typed arrays are copied, as they may be views of a larger
 * buffer that the user keeps.
 */
function withTransferList(batch: unknown): [batch: unknown, buffers: ArrayBuffer[]] {
  if (typeof batch !== "object" || batch === null || Array.isArray(batch) || ArrayBuffer.isView(batch)) return [batch, []];
  const buffers: ArrayBuffer[] = [];
  const fields = Object.entries(batch).map(([name, field]) => {
    if (!ArrayBuffer.isView(field) || !("slice" in field)) return [name, field];
    // Not its own slice: that of Node's buffers gives a view.
    const copy = Uint8Array.prototype.slice.call(field);
    buffers.push(copy.buffer as ArrayBuffer);
    return [name, copy];
  });
  return [Object.fromEntries(fields), buffers];
}
