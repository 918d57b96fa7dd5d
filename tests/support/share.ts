/**
 * What the quick tests leave to those of `tests/long`: on `webgpu`, where a software adapter compiles a shader for each case, some of
 * the cases that are alike, and elsewhere some of the ways in which a case is run.
 *
 * @module
 */

/** Whether a file of `tests/long` is run, which leaves nothing out. */
export const isLong: boolean = Deno.mainModule.includes("/tests/long/");

/**
 * The cases to run on a device: all, but on `webgpu` in quick tests the first of each kind and every `step`-th after it.
 *
 * @param kindOf What cases that are alike have in common.
 */
export function share<T>(device: string, cases: readonly T[], kindOf: (one: T) => string, step = 3): readonly T[] {
  if (isLong || !device.startsWith("webgpu")) return cases;
  const counts = new Map<string, number>();
  return cases.filter((one) => {
    const kind = kindOf(one);
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return count % step === 0;
  });
}
