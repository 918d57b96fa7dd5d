/** The wasm device with machine code: products have the same bits as without, on every number of threads, and only where it is permitted. */
import assert from "node:assert/strict";
import { createWasmDevice, type WasmDevice } from "../../../../../core/devices/wasm/device.ts";
import { openNative } from "../../../../../core/devices/wasm/native/native.ts";
import type { HostArray } from "../../../../../core/dtype.ts";
import type { MatmulKernel } from "../../../../../core/ir/kernel.ts";
import { buildCase, type KernelCase } from "../../../../support/kernel_cases/builder.ts";
import { machineCodes } from "../../../../support/machine_code.ts";
import { noise } from "../../../../support/noise.ts";

/** Threads belong to the device, which lives on. */
const longLived = { sanitizeOps: false, sanitizeResources: false, ignore: machineCodes.size === 0 };

function matmulCase(batch: number, m: number, k: number, n: number): KernelCase {
  return buildCase(`${batch} x ${m} x ${k} x ${n}`, { relative: 0, absolute: 0 }, (p) => {
    const operands: MatmulKernel["operands"] = [
      { buffer: p.input("f32", noise(1, batch * m * k)), offset: 0, strides: [m * k, k, 1] },
      { buffer: p.input("f32", noise(2, batch * k * n)), offset: 0, strides: [k * n, n, 1] },
    ];
    const value = { kind: "result", type: "f32", slot: 0 } as const;
    const stores = [{ buffer: p.output("f32", batch * m * n), offset: 0, strides: [m * n, n, 1], value }];
    p.run({ kind: "matmul", shape: [batch, m, n], k, operands, loads: [], stores });
  });
}

function runOn(device: WasmDevice, { program, inputs }: KernelCase): HostArray {
  const executable = device.compile(program);
  const outputs = executable.run(inputs);
  const [values] = outputs.map((output) => device.downloadNow(output)!);
  outputs.forEach((output) => device.free(output));
  executable.destroy();
  return values;
}

Deno.test({
  ...longLived,
  name: "native: products have the bits that they have in WebAssembly, on every number of threads",
  fn: async () => {
    const plain = createWasmDevice({ threads: 1 });
    const devices = await Promise.all([1, 2, 3].map((threads) => createWasmDevice({ threads, native: openNative }).started()));
    const around = [255, 256, 257];
    const cases = [
      ...around.flatMap((m) => around.flatMap((n) => around.map((k) => matmulCase(1, m, k, n)))),
      matmulCase(1, 300, 0, 300),
      matmulCase(7, 64, 65, 66),
      matmulCase(1, 1, 500, 700),
      matmulCase(1, 2, 500, 700),
      matmulCase(1, 700, 500, 1),
      matmulCase(1, 613, 1201, 37),
      matmulCase(1, 32, 2000, 519),
    ];
    for (const each of cases) {
      const expected = runOn(plain, each);
      for (const device of devices) {
        assert.match(device.description, /native \((AVX2|AVX-512)\)$/);
        assert.deepEqual(runOn(device, each), expected, `${each.name}, ${device.description}`);
      }
    }
  },
});

Deno.test({
  ...longLived,
  name: "native: devices of one thread call machine code by one symbol, as V8 calls no second one fast",
  fn: () => {
    const opened: string[] = [];
    const { dlopen } = Deno;
    Deno.dlopen = ((name: string, symbols: Deno.ForeignLibraryInterface) => {
      opened.push(...Object.keys(symbols));
      return dlopen(name, symbols);
    }) as typeof Deno.dlopen;
    try {
      for (let i = 0; i < 2; i++) {
        const device = createWasmDevice({ threads: 1, native: openNative });
        assert.match(device.description, /native/);
      }
    } finally {
      Deno.dlopen = dlopen;
    }
    assert.equal(opened.filter((name) => name === "mmap").length, 2);
    assert.ok(opened.filter((name) => name === "call").length <= 1);
  },
});

Deno.test({
  ...longLived,
  name: "native: a program may be run again after others were made and destroyed",
  fn: async () => {
    const device = await createWasmDevice({ threads: 2, native: openNative }).started();
    const kept = matmulCase(1, 129, 70, 131);
    const executable = device.compile(kept.program);
    const result = () => {
      const [output] = executable.run(kept.inputs);
      const values = device.downloadNow(output)!;
      device.free(output);
      return values;
    };
    const first = result();
    for (let i = 1; i <= 40; i++) {
      runOn(device, matmulCase(1, 64 + i, 64, 64 + (i % 7)));
      assert.deepEqual(result(), first);
    }
    executable.destroy();
  },
});

/** What a process with these permissions says of its device, and a product that it computes on two threads. */
async function describe(flags: readonly string[], env: Readonly<Record<string, string>>, options: string): Promise<string> {
  const source = `
    import { deviceInfo, item, matmul, ones, setDevice, sum } from "${new URL("../../../../../mod.ts", import.meta.url)}";
    await setDevice("wasm", ${options});
    console.log(deviceInfo().description);
    console.log(await item(sum(matmul(ones([300, 200]), ones([200, 100])))));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...flags, "-"],
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const [description, total, ...rest] = new TextDecoder().decode(stdout).split("\n");
  assert.deepEqual([total, ...rest], ["6000000", ""], new TextDecoder().decode(stderr));
  return description;
}

const plainly = "WebAssembly SIMD, 2 threads";

for (
  const [name, flags, env, options, expected] of [
    ["with FFI, asked for by the option", ["--allow-ffi"], {}, "{ threads: 2, native: true }", "native"],
    [
      "with FFI, asked for by the variable",
      ["--allow-ffi", "--allow-env"],
      { COTANGENT_NATIVE: "1" },
      "{ threads: 2 }",
      "native",
    ],
    ["with FFI, but not asked for", ["--allow-ffi", "--allow-env"], {}, "{ threads: 2 }", "wasm"],
    ["refused by the option", ["-A"], { COTANGENT_NATIVE: "1" }, "{ threads: 2, native: false }", "wasm"],
    ["without FFI", [], {}, "{ threads: 2, native: true }", "wasm"],
    ["with FFI for one library", ["--allow-ffi=libc.so.6"], {}, "{ threads: 2, native: true }", "wasm"],
    ["where the variable may not be read", ["--allow-ffi"], { COTANGENT_NATIVE: "1" }, "{ threads: 2 }", "wasm"],
  ] as const
) {
  Deno.test(`native: ${name}`, async () => {
    const native = expected === "native" && machineCodes.size > 0;
    const found = await describe(flags, env, options);
    if (native) assert.match(found, new RegExp(`^${plainly}, innermost loops native \\((AVX2|AVX-512)\\)$`));
    else assert.equal(found, plainly);
  });
}
