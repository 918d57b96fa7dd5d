/** What is left when a test or a worker that used the library ends: no call that is still open, no thread that waits for nobody. */
import assert from "node:assert/strict";
import { deviceNames } from "../../support/each_device.ts";

const library = new URL("../../../mod.ts", import.meta.url).href;

/** Runs a program of several files with Deno in a folder of its own. */
async function runFiles(files: Readonly<Record<string, string>>, args: readonly string[]) {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: folder,
      env: { NO_COLOR: "1", XDG_RUNTIME_DIR: Deno.env.get("XDG_RUNTIME_DIR") ?? "/tmp" },
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: decode(stdout), err: decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const device of deviceNames) {
  Deno.test(`a test that reads passes with all sanitizers (${device})`, async () => {
    const test = `
import { add, data, debug, item, jit, matmul, ones, setDevice, show, sum, tensor } from "${library}";
await setDevice("${device}");
const before = await data(add(tensor([1, 2]), 1));
Deno.test("reads once", async () => { await data(add(tensor(before), 1)); });
Deno.test("reads many", async () => { for (let i = 0; i < 20; i++) await item(sum(add(tensor([1, 2]), i))); });
Deno.test("shows", () => { show(add(tensor([1, 2]), 1)); });
Deno.test("compiles", async () => { await data(jit((x) => { debug.print(x); return matmul(x, x); })(ones([300, 300]))); });
Deno.test("does nothing", () => {});
`;
    const { code, out, err } = await runFiles({ "user_test.js": test }, [
      "test",
      "-A",
      "--no-check",
      "--sanitize-ops",
      "--sanitize-resources",
      "user_test.js",
    ]);
    assert.equal(code, 0, out + err);
    assert.match(out, /5 passed \\| 0 failed/);
  });
}

Deno.test({
  name: "web workers and workers of Node's API take their threads with them when they end",
  ignore: Deno.build.os !== "linux", // threads are counted in /proc
  fn: async () => {
    const worker = `
import { data, matmul, ones, setDevice } from "${library}";
await setDevice("wasm", { threads: 3 });
await data(matmul(ones([1000, 1000]), ones([1000, 1000])));`;
    const main = `
import { Worker as NodeWorker } from "node:worker_threads";
const here = import.meta.url;
const threads = () => [...Deno.readDirSync("/proc/self/task")].filter(({ name }) => {
  try {
    return Deno.readTextFileSync("/proc/self/task/" + name + "/comm").startsWith("worker");
  } catch {
    return false; // it ends just now
  }
}).length;
const endings = {
  close: () => new Promise((resolve) => new Worker(new URL("closing.js", here), { type: "module" }).onmessage = resolve),
  terminate: async () => {
    const worker = new Worker(new URL("staying.js", here), { type: "module" });
    await new Promise((resolve) => worker.onmessage = resolve);
    console.log(threads() >= 3);
    worker.terminate();
  },
  "terminate in a loop": async () => {
    const worker = new Worker(new URL("looping.js", here), { type: "module" });
    await new Promise((resolve) => worker.onmessage = resolve);
    worker.terminate();
  },
  node: async () => {
    const worker = new NodeWorker(new URL("node.js", here));
    await new Promise((resolve) => worker.on("message", resolve));
    await worker.terminate();
  },
};
for (const [how, end] of Object.entries(endings)) {
  await end();
  for (let i = 0; threads() > 0 && i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 50));
  console.log(how, threads());
}
Deno.exit();`;
    const { code, out, err } = await runFiles({
      "closing.js": `${worker}\nself.postMessage("done");\nself.close();`,
      "staying.js": `${worker}\nself.postMessage("done");`,
      "looping.js": `${worker}\nself.postMessage("done");\nfor (;;) {
  await data(matmul(ones([300, 300]), ones([300, 300])));
  // Deno itself ends no worker that never returns to its event loop.
  await new Promise((resolve) => setTimeout(resolve));
}`,
      "node.js": `import { parentPort } from "node:worker_threads";${worker}\nparentPort.postMessage("done");`,
      "main.js": main,
    }, ["run", "-A", "--no-check", "main.js"]);
    assert.equal(code, 0, err);
    assert.equal(out, "close 0\ntrue\nterminate 0\nterminate in a loop 0\nnode 0\n", err);
  },
});
