/**
 * The library imported by URL, from an empty folder with no configuration: its own imports, its workers and its WebAssembly must not
 * need anything that lies beside them on a disk.
 *
 * @module
 */
import assert from "node:assert/strict";
import { loading, serve } from "./support/served.ts";
import { isLong } from "./support/share.ts";

/** Runs a deno command in a folder and returns what it prints. */
async function deno(args: readonly string[], cwd: string): Promise<string> {
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), { args: [...args], cwd, env: { NO_COLOR: "1" } })
    .output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(code, 0, decode(stderr));
  return decode(stdout);
}

const server = serve();
server.unref();
const host = `127.0.0.1:${server.addr.port}`;

/** Runs a program, in which URL is where the library is, without a permission. */
async function runElsewhere(program: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/main.ts`, program.replaceAll("URL", `http://${host}`));
    return await deno(["run", "--no-config", "--no-lock", "--no-prompt", ...loading(host), "main.ts"], folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("mod.ts works when it is imported by URL from an empty folder", async () => {
  const output = await runElsewhere(
    `import { grad, item, mul, tensor } from "URL/mod.ts";
     console.log(await item(grad((x) => mul(x, mul(x, x)))(tensor(2))));`,
  );
  assert.equal(output.trim(), "12");
});

Deno.test("by URL, wasm uses all its threads without a permission", async () => {
  const output = await runElsewhere(
    `import { deviceInfo, item, matmul, mean, ones, setDevice } from "URL/mod.ts";
     await setDevice("wasm", { threads: 2 });
     const x = ones([512, 512]);
     console.log(deviceInfo().name, await item(mean(matmul(x, x))));`,
  );
  assert.equal(output.trim(), "wasm 512");
});

Deno.test("visual/mod.ts works by URL, draws without a permission, and says which one a log needs", async () => {
  const output = await runElsewhere(
    `import { imageGrid, lineChart, showImages, showLineChart, summaryWriter } from "URL/visual/mod.ts";
     import { tensor } from "URL/mod.ts";
     const series = { loss: [2, 1] };
     const picture = tensor([[0, 1]]);
     const drawn = [lineChart({ series }), showLineChart({ series }), await imageGrid(picture), await showImages(picture)];
     const opened = await summaryWriter("logs")();
     console.log(drawn.every(({ length }) => length > 0), opened.left.kind, opened.left.message);`,
  );
  assert.equal(
    output.trim(),
    "true Permission Cannot write logs to logs without permission: run deno with --allow-write=logs (or -A)",
  );
});

Deno.test("by URL, a loader has workers without a permission", async () => {
  const output = await runElsewhere(
    `import { datasets } from "URL/mod.ts";
     const { train } = datasets.syntheticDigits({ train: 40, test: 0 });
     const batches = await Array.fromAsync(datasets.loader(train, { batchSize: 16, workers: 2 }));
     console.log(batches.map(({ count }) => count).join());`,
  );
  assert.equal(output.trim(), "16,16,8");
});

// The types take seconds: quick tests load what there is alone.
const bears = isLong ? "has no errors of types under strict options, and " : "";
Deno.test(`vendored into a project it ${bears}runs when the server is gone`, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const server = serve();
    const host = `127.0.0.1:${server.addr.port}`;
    const compilerOptions = { noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, verbatimModuleSyntax: true };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ vendor: true, compilerOptions }));
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { grad, item, mul, type Tensor, tensor } from "http://${host}/mod.ts";
       import * as onnx from "http://${host}/onnx/mod.ts";
       import * as visual from "http://${host}/visual/mod.ts";
       const cube = (x: Tensor) => mul(x, mul(x, x));
       console.log(await item(grad(cube)(tensor(2))), typeof onnx.load, visual.lineChart({ series: { loss: [2, 1] } }).length > 0);`,
    );
    try {
      await deno([isLong ? "check" : "cache", ...loading(host), "main.ts"], folder);
    } finally {
      await server.shutdown();
    }
    const output = await deno(["run", "--no-prompt", `--allow-import=${host}`, "main.ts"], folder);
    assert.equal(output.trim(), "12 function true");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
