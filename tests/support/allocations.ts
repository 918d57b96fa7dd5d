/**
 * How much memory a function asks for by making buffers and typed arrays: what a hostile size in a file would make large.
 *
 * @module
 */

const makers = [
  "ArrayBuffer",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int8Array",
  "Uint16Array",
  "Int16Array",
  "Uint32Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
] as const;

/** The bytes that are asked for while a function runs, and what it gives. What copies arrays that there are is not counted. */
export async function allocating<A>(run: () => A | Promise<A>): Promise<{ readonly value: A; readonly bytes: number }> {
  let bytes = 0;
  const originals = makers.map((name) => [name, globalThis[name]] as const);
  for (const [name, original] of originals) {
    const counting = new Proxy(original as unknown as new (...given: unknown[]) => ArrayBuffer, {
      construct(target, given, made) {
        if (typeof given[0] === "number") {
          // NaN makes an empty array.
          bytes += (given[0] || 0) * ("BYTES_PER_ELEMENT" in target ? target.BYTES_PER_ELEMENT as number : 1);
        }
        return Reflect.construct(target, given, made);
      },
    });
    Object.assign(globalThis, { [name]: counting });
  }
  try {
    return { value: await run(), bytes };
  } finally {
    Object.assign(globalThis, Object.fromEntries(originals));
  }
}
