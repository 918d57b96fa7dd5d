/**
 * The library in a page of a browser: bundled from the same sources, it trains as it does here. Chromium is run without a window; it says
 * itself what came of it, by a request to the test's own server.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readEnv } from "../../core/env.ts";
import { assertClose } from "../support/close.ts";
import { train, type Trained } from "./training.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

async function isThere(program: string): Promise<boolean> {
  const asked = new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output();
  return await asked.then(({ success }) => success, () => false);
}

const browser = "chromium";
const ignore = !await isThere(browser);

/** Milliseconds that the pages may take: a software GPU compiles for some seconds, and other tests run beside it. */
const patience = 120_000;

/** Bundles the page into a folder, as `deno task bundle` does the library. */
async function bundle(folder: string): Promise<void> {
  const args = [
    "bundle",
    "--quiet",
    "--platform",
    "browser",
    "--code-splitting",
    "--external",
    "./codecs.js",
    "--outdir",
    folder,
  ];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args, "tests/browser/page.ts"], cwd: root })
    .output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** Removes a folder, if nothing is written into it meanwhile. */
async function isRemoved(folder: string): Promise<boolean> {
  return await Deno.remove(folder, { recursive: true }).then(() => true, () => false);
}

/** What a page sends. */
type Sent = Partial<Trained> & { readonly error?: string; readonly isolated: boolean };

/** How a page is opened. */
interface Visit {
  readonly query: string;
  readonly isolated: boolean;
}

const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** Runs the page in a browser, once for each visit: what it sends is answered with where it goes next. */
async function run(folder: string, visits: readonly Visit[]): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  const all = Promise.withResolvers<void>();
  const addressOf = (i: number) => i < visits.length ? `/?${visits[i].query}` : "";
  const server = Deno.serve({ port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/result") {
      sent.push(await request.json());
      if (sent.length === visits.length) all.resolve();
      return new Response(addressOf(sent.length));
    }
    const headers = { ...visits[sent.length]?.isolated ? isolation : {}, "cache-control": "no-store" };
    if (pathname === "/") {
      const page = `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`;
      return new Response(page, { headers: { ...headers, "content-type": "text/html" } });
    }
    const script = await Deno.readFile(join(folder, pathname));
    return new Response(script, { headers: { ...headers, "content-type": "text/javascript" } });
  });
  const profile = await Deno.makeTempDir();
  const flags = ["--headless", "--no-sandbox", "--disable-dev-shm-usage", "--enable-unsafe-webgpu", `--user-data-dir=${profile}`];
  const address = `http://localhost:${server.addr.port}${addressOf(0)}`;
  const child = new Deno.Command(browser, { args: [...flags, address], stdout: "null", stderr: "null" }).spawn();
  const timer = setTimeout(
    () => all.reject(new Error(`${addressOf(sent.length)} sent nothing in ${patience / 1000} s`)),
    patience,
  );
  try {
    await all.promise;
    return sent;
  } finally {
    clearTimeout(timer);
    child.kill();
    await child.status;
    await server.shutdown();
    // Processes that the browser started may still write.
    for (let tries = 0; tries < 20 && !await isRemoved(profile); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** What the reference makes of the steps, of which it takes seconds: made once, when it is needed. */
const expectedLosses = (() => {
  let made: Promise<readonly number[]> | undefined;
  return () => made ??= train("reference").then(({ losses }) => losses);
})();

Deno.test({
  name: "a page trains as Deno does: on all cores where it is isolated, on one where it is not, and by WebGPU",
  ignore,
}, async (t) => {
  const folder = await Deno.makeTempDir();
  try {
    await bundle(folder);
    const [isolated, plain, refused, webgpu] = await run(folder, [
      { query: "device=wasm&threads=2", isolated: true },
      { query: "device=wasm", isolated: false },
      { query: "device=wasm&threads=2", isolated: false },
      { query: "device=webgpu", isolated: false },
    ]);
    const expected = await expectedLosses();
    const check = (sent: Sent) => {
      assert.equal(sent.error, undefined);
      assertClose(sent.losses!, expected, { relative: 1e-3, absolute: 1e-4 }, "losses");
    };
    await t.step("wasm, isolated", () => {
      check(isolated);
      assert.deepEqual([isolated.isolated, isolated.description], [true, "WebAssembly SIMD, 2 threads"]);
    });
    await t.step("wasm, not isolated", () => {
      check(plain);
      assert.deepEqual([plain.isolated, plain.description], [false, "WebAssembly SIMD, 1 thread"]);
    });
    await t.step("several threads where memory cannot be shared", () => {
      assert.match(refused.error!, /Cannot use 2 threads here: this page is not isolated from other origins/);
    });
    // A browser may have no adapter either.
    const missing = /there is no adapter/.test(webgpu.error ?? "") && readEnv("COTANGENT_REQUIRE_WEBGPU") !== "1";
    await t.step({ name: "webgpu", ignore: missing, fn: () => check(webgpu) });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an engine without relaxed SIMD gets none, and trains as others do", async () => {
  const args = ["run", "-A", "--no-check", fileURLToPath(new URL("plain_simd.ts", import.meta.url))];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const { losses, relaxed } = JSON.parse(new TextDecoder().decode(stdout));
  assert.equal(relaxed, false);
  assertClose(losses, await expectedLosses(), { relative: 1e-3, absolute: 1e-4 }, "losses");
});
