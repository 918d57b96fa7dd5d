/** What the processor can: how its answers are read, and that they agree with what the system says of it. */
import assert from "node:assert/strict";
import { openNative } from "../../../../../core/devices/wasm/native/native.ts";
import { vectorSetOf } from "../../../../../core/devices/wasm/native/processor.ts";
import { machineCodes } from "../../../../support/machine_code.ts";

/** Answers of a processor with all there is, as bits by name. */
const bits = {
  fma: [1, 12],
  osxsave: [1, 27],
  avx: [1, 28],
  avx2: [2, 5],
  avx512f: [2, 16],
  avx512dq: [2, 17],
  avx512vl: [2, 31],
  sse: [3, 1],
  ymm: [3, 2],
  opmask: [3, 5],
  upper: [3, 6],
  high: [3, 7],
} as const;

type Bit = keyof typeof bits;

function answers(missing: readonly Bit[], highest = 31): number[] {
  const words = [highest, 0, 0, 0];
  for (const [name, [word, bit]] of Object.entries(bits)) if (!missing.includes(name as Bit)) words[word] |= 1 << bit;
  return words;
}

Deno.test("native: vectors are used only if the processor has them and the system keeps them", () => {
  assert.equal(vectorSetOf(answers([]))?.name, "AVX-512");
  for (const missing of ["fma", "osxsave", "avx", "avx2", "sse", "ymm"] as const) {
    assert.equal(vectorSetOf(answers([missing])), undefined, missing);
  }
  for (const missing of ["avx512f", "avx512dq", "avx512vl", "opmask", "upper", "high"] as const) {
    assert.equal(vectorSetOf(answers([missing]))?.name, "AVX2", missing);
  }
  // A processor that has no page 7 answers with another one.
  assert.equal(vectorSetOf(answers([], 6)), undefined);
  assert.equal(vectorSetOf([0, 0, 0, 0]), undefined);
});

const flags = (() => {
  try {
    return Deno.readTextFileSync("/proc/cpuinfo").split("\n").find((line) => line.startsWith("flags"))?.split(/\s+/);
  } catch {
    return undefined;
  }
})();

Deno.test({
  name: "native: what was found agrees with the system",
  ignore: flags === undefined || Deno.build.arch !== "x86_64",
  fn: () => {
    const has = (...names: readonly string[]) => names.every((name) => flags!.includes(name));
    assert.equal(machineCodes.has("AVX2"), has("avx2", "fma"));
    // Where vectors of 512 bits are no faster, they are not taken.
    if (machineCodes.has("AVX-512")) assert.ok(has("avx512f", "avx512dq", "avx512vl"));
  },
});

Deno.test("native: without what it takes there is none, and nothing is thrown", () => {
  const { build } = Deno;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  for (const other of [{ arch: "aarch64" }, { os: "windows" }] as const) {
    Object.defineProperty(Deno, "build", { value: { ...build, ...other }, configurable: true });
    try {
      assert.equal(openNative(memory), undefined);
    } finally {
      Object.defineProperty(Deno, "build", { value: build, configurable: true });
    }
  }
});
