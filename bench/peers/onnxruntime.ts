/**
 * onnxruntime, for what runs beside it.
 *
 * The package is loaded by a specifier that is no literal, so that this project's lock and type check do not depend on it.
 *
 * @module
 */
import { data, type Tensor } from "../../mod.ts";

const specifier: string = "npm:onnxruntime-node@1.30.0";

interface Session {
  readonly inputNames: readonly string[];
  readonly inputMetadata: readonly { readonly type?: string }[];
  run(feeds: object): Promise<Readonly<Record<string, unknown>>>;
}

/** What is used of the package. */
interface Runtime {
  readonly InferenceSession: { create(bytes: Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => object;
}

/** A file that is ready to run. */
export interface OpenFile {
  /** Tensors as the runtime takes them. */
  feeds(inputs: Readonly<Record<string, Tensor>>): Promise<object>;
  run(feeds: object): Promise<unknown>;
}

/** Makes a file ready to run. */
export async function openRuntime(bytes: Uint8Array, threads: number): Promise<OpenFile> {
  const runtime: Runtime = await import(specifier);
  // Its threads would wait by spinning, on the cores of what runs in turn with it.
  const waiting = { session: { intra_op: { allow_spinning: "0" } } };
  const options = { logSeverityLevel: 3, intraOpNumThreads: threads, interOpNumThreads: 1, extra: waiting };
  const session = await runtime.InferenceSession.create(bytes, options);
  return {
    feeds: async (inputs) => {
      const entries = Object.entries(inputs).map(async ([name, x]) => {
        const type = session.inputMetadata[session.inputNames.indexOf(name)].type;
        const values = await data(x);
        const given = type === "int64" ? BigInt64Array.from(Array.from(values as ArrayLike<number>), BigInt) : values;
        return [name, new runtime.Tensor(type ?? "float32", given, x.shape)] as const;
      });
      return Object.fromEntries(await Promise.all(entries));
    },
    run: (feeds) => session.run(feeds),
  };
}
