/**
 * What a call with hostile values may come to: an error of ours that says something, or a sound result.
 *
 * @module
 */
import { CotangentError, data, type DType, Tensor } from "../../../mod.ts";
import { dtypes } from "../../../core/dtype.ts";

/** Errors that JavaScript code has made, not the engine: those of a wrong access never go through the global constructors. */
const deliberate = new WeakSet<object>();

for (const name of ["TypeError", "RangeError"] as const) {
  const native = globalThis[name];
  globalThis[name] = new Proxy(native, {
    construct(target, args, newTarget) {
      const error = Reflect.construct(target, args, newTarget);
      deliberate.add(error);
      return error;
    },
  });
}

/** Why an error is none that a user may see; undefined if it is one. */
function wrongError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  if (!(error instanceof CotangentError) && !deliberate.has(error)) {
    return `${error.name} of the engine: ${error.message}\n${error.stack?.split("\n").slice(1, 4).join("\n")}`;
  }
  if (/\[object|undefined is|=>|function \(/.test(error.message)) return `says nothing: ${error.message}`;
  return undefined;
}

/** What came of a call. */
export type Outcome =
  | { readonly kind: "refused" }
  | { readonly kind: "sound" }
  | { readonly kind: "wrong"; readonly why: string };

/** Tensors of more elements are not computed: their shape must do. */
const most = 10_000;

/** Why a result is corrupt; undefined if it is not. */
async function unsound(result: unknown, depth = 0): Promise<string | undefined> {
  if (result instanceof Tensor) {
    const { shape, dtype } = result;
    if (!dtypes.includes(dtype as DType)) return `dtype ${String(dtype)}`;
    if (!Array.isArray(shape) || Array.from(shape).some((extent) => !Number.isSafeInteger(extent) || extent < 0)) {
      return `shape [${shape}]`;
    }
    if (result.size > most) return undefined;
    const values = await data(result);
    return values.length === result.size ? undefined : `${values.length} values for shape [${shape}]`;
  }
  if (typeof result !== "object" || result === null || depth > 4 || ArrayBuffer.isView(result)) return undefined;
  for (const part of Object.values(result)) {
    const found = await unsound(part, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(`hangs: nothing for ${milliseconds} ms`), milliseconds);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls, and looks at what came of it. */
export async function outcomeOf(call: () => unknown): Promise<Outcome> {
  try {
    const work = async () => await unsound(await call());
    const why = await within(20_000, work());
    return why === undefined ? { kind: "sound" } : { kind: "wrong", why: `gives a corrupt result: ${why}` };
  } catch (error) {
    const why = wrongError(error);
    return why === undefined ? { kind: "refused" } : { kind: "wrong", why };
  }
}
