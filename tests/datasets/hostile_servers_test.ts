/**
 * Servers that send something else than the published file: what is said of each, that nothing of it is kept, and that the file system,
 * the memory and the time it takes are bounded by the file's published size.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { type DatasetError, type DatasetOptions, idxDataset, type IdxSource } from "../../datasets/mod.ts";
import type { Bytes } from "../../datasets/gzip.ts";
import type { Either } from "../../deps.ts";
import { left, list, put, right, serve, serveFile, smallSource, withCache, withFolder } from "./fixtures.ts";

const sources = { unpacked: await smallSource("sha256", "unpacked"), packed: await smallSource("sha256", "packed") };
const { plain, packed } = sources.unpacked;
const images = "train-images-idx3-ubyte";
const file = packed[`${images}.gz`];

/** A response whose body is endless; `cancelled` tells how much was taken of it. */
function endless(taken: { bytes: number }, headers: HeadersInit = {}): Response {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      taken.bytes += 65536;
      controller.enqueue(new Uint8Array(65536));
    },
  });
  return new Response(body, { headers });
}

const redirect = (location: string) => new Response(null, { status: 302, headers: { location } });

/** What a server answers to a request for the first file. */
type Answer = (request: Request) => Response | Promise<Response>;

const taken = { bytes: 0 };
const bomb = Uint8Array.from(gzipSync(new Uint8Array(2 ** 24)));

/** Answers by name, and what is said of them where the digest is of unpacked bytes, and where it is of packed ones. */
const table: Readonly<Record<string, readonly [answer: Answer, said: RegExp, ofPacked?: RegExp]>> = {
  "to a device": [() => redirect("file:///dev/zero"), /redirects to file:\/\/\/dev\/zero, which is not an http or https address/],
  "to a file": [() => redirect(import.meta.url), /redirects to file:.*which is not/],
  "to data": [() => redirect("data:application/gzip;base64,H4sI"), /redirects to data:.*which is not/],
  "to a blob": [() => redirect("blob:null/3c0a"), /redirects to blob:.*which is not/],
  "to a script": [() => redirect("javascript:0"), /redirects to javascript:0, which is not/],
  "to ftp": [() => redirect("ftp://127.0.0.1/x"), /redirects to ftp:.*which is not/],
  "to a web socket": [() => redirect("ws://127.0.0.1/x"), /redirects to ws:.*which is not/],
  "to no scheme of Deno's": [() => redirect("npm:left-pad"), /redirects to npm:.*which is not/],
  "to no address": [() => redirect("http://"), /redirects to http:\/\/, which is not/],
  "to nowhere": [() => new Response(null, { status: 301 }), /answered 301 and does not say where/],
  "in a circle": [({ url }) => redirect(url), /redirects without end/],
  "without end": [() => endless(taken), /sends more than the \d+ bytes that were published/],
  "without end, packed on its way": [
    () => endless(taken, { "content-encoding": "identity" }),
    /sends more than the \d+ bytes that were published/,
  ],
  "a length beyond the published": [
    () => new Response(new Uint8Array(2 ** 20)),
    /it has 1048576 bytes, but (at most )?\d+ were published/,
  ],
  "one byte too many": [
    () => new Response(Uint8Array.from([...file, 0x41])),
    /damaged/,
    new RegExp(`it has ${file.length + 1} bytes, but ${file.length} were published`),
  ],
  "too short": [() => new Response(file.slice(0, -7)), /cut short or damaged/, /it has \d+ bytes, but \d+ were/],
  "nothing": [() => new Response(new Uint8Array()), /SHA-256 of its unpacked bytes is/, /it has 0 bytes, but|SHA-256 of its/],
  "other bytes": [() => new Response(file.with(50, file[50] ^ 1)), /cut short or damaged/, /SHA-256 of its bytes is/],
  "another file": [
    () => new Response(packed["t10k-images-idx3-ubyte.gz"]),
    /SHA-256 of its unpacked/,
    /it has \d+ bytes, but \d+ were/,
  ],
  "a page": [() => new Response("<html>Sign in</html>"), /SHA-256 of its unpacked/, /it has \d+ bytes, but \d+ were/],
  "a bomb": [() => new Response(bomb), /unpacks to more than 23536 bytes/, /it has \d+ bytes, but \d+ were/],
  "no answer": [() => new Promise<Response>(() => {}), /nothing came for 40 ms/],
  "a body that stops": [
    () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(file.slice(0, 99)) })),
    /nothing came for 40 ms/,
  ],
  "a range that was not asked for": [
    () =>
      new Response(file.slice(10), { status: 206, headers: { "content-range": `bytes 10-${file.length - 1}/${file.length}` } }),
    /it answered 206/,
  ],
  "a range that says nothing": [() => new Response(file, { status: 206 }), /it answered 206/],
  "no such range": [() => new Response(null, { status: 416 }), /it answered 416/],
};

/** Who sends nothing, or nothing more. */
const stalling: ReadonlySet<string> = new Set(["no answer", "a body that stops"]);

/** Loads the small data set from a server that answers like this. */
async function loadFrom(
  { source }: { readonly source: IdxSource },
  answer: Answer,
  options: DatasetOptions = {},
): Promise<Either.Either<DatasetError, unknown>> {
  const server = serve((_, request) => answer(request));
  try {
    return await idxDataset(source, { mirrors: [server.url], ...options })();
  } finally {
    server.abort();
  }
}

Deno.test("what a hostile server sends is named, and nothing is kept of it", async () => {
  for (const [of, small] of Object.entries(sources)) {
    for (const [name, [answer, said, ofPacked = said]] of Object.entries(table)) {
      await withCache(async (folder) => {
        taken.bytes = 0;
        // Only who is not meant to answer is given up so soon: a machine that has more to do takes its time.
        const stallTimeout = stalling.has(name) ? 40 : undefined;
        const { message } = left(await loadFrom(small, answer, { stallTimeout }), "Download");
        assert.match(message, of === "packed" ? ofPacked : said, name);
        assert.ok(taken.bytes <= 2 ** 24, `${name}: ${taken.bytes} bytes were sent`);
        // What has come before a connection is cut may be gone on with.
        const kept = (await list(folder)).filter((each) => !(each.endsWith(".part") && name === "a body that stops"));
        assert.deepEqual(kept, [], name);
      });
    }
  }
});

Deno.test("mirrors are addresses of http or https, whatever Deno may do", async () => {
  await withFolder(async (folder) => {
    await put(folder, packed);
    for (const mirror of [pathToFileURL(folder).href, "data:,", "ftp://127.0.0.1", "file:///dev", "//127.0.0.1", ""]) {
      await withCache(async (cache) => {
        const error = left(await idxDataset(sources.unpacked.source, { mirrors: [mirror] })(), "Download");
        assert.match(error.message, /is not an http or https address/);
        assert.deepEqual(await list(cache), []);
      });
    }
  });
});

Deno.test("with permission for one host, the others are named, and whatever is no host is an error as any", async () => {
  await withFolder(async (folder) => {
    await using server = serve((path) => redirect(path.startsWith("train-images") ? "file:///dev/zero" : "http://a..b/"));
    const allowed = new URL(server.url).host;
    const module = new URL("../../datasets/mod.ts", import.meta.url).href;
    const mirrors = [server.url, "http://a..b", "http://*/", "file:///dev", "http://127.0.0.1:1"];
    const script = `import { idxDataset, showDatasetError } from ${JSON.stringify(module)};
      const loaded = await idxDataset(${JSON.stringify(sources.unpacked.source)}, { mirrors: ${JSON.stringify(mirrors)} })();
      console.log(loaded._tag === "Left" ? showDatasetError(loaded.left) : "loaded");`;
    const path = join(folder, "load.ts");
    await Deno.writeTextFile(path, script);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        `--allow-net=${allowed}`,
        `--allow-read=${folder}`,
        `--allow-write=${folder}`,
        "--allow-env=COTANGENT_CACHE",
        path,
      ],
      env: { COTANGENT_CACHE: folder },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, err);
    const [, redirected, twoDots, star, device, port] = out.split("\n");
    assert.match(redirected, /redirects to file:\/\/\/dev\/zero, which is not/);
    assert.match(twoDots, /Cannot connect to a\.\.b without permission/);
    assert.match(star, /Cannot connect to \* without permission|not an http/);
    assert.match(device, /is not an http or https address/);
    assert.match(port, /--allow-net=127\.0\.0\.1:1\b/);
  });
});

Deno.test("a part that is of another version of the file is dropped at once, and the whole file is asked for", async () => {
  const part = 300;
  for (const header of ["etag", "last-modified", "none"]) {
    await withCache(async (folder) => {
      // The old file has another version, or another length; its part comes first.
      const old: Answer = (request) => {
        if (request.headers.has("range")) return new Response(null, { status: 503 });
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => controller.enqueue(new Uint8Array(part)),
          pull: (controller) => controller.error(new Error("cut")),
        });
        return new Response(body, {
          headers: { [header]: "old", "content-length": `${header === "none" ? 5000 : file.length}` },
        });
      };
      left(await loadFrom(sources.unpacked, old), "Download");
      assert.equal((await list(folder)).length, 1);
      const requests: (string | null)[] = [];
      await using server = serve((path, request) => {
        if (path === `${images}.gz`) requests.push(request.headers.get("range"));
        const response = serveFile(packed[path], request);
        response.headers.set(header, "new");
        return response;
      });
      // The same mirror by its address: the part is renamed to be this one's.
      const [name] = await list(folder);
      const ours = (await hexOf(`${server.url}/${images}.gz`)).slice(0, 8);
      await Deno.rename(join(folder, name), join(folder, name.replace(/\.[0-9a-f]{8}\./, `.${ours}.`)));
      right(await idxDataset(sources.unpacked.source, { mirrors: [server.url] })());
      assert.deepEqual(requests, [`bytes=${part}-`, null], header);
      assert.deepEqual(await list(folder), Object.keys(packed).toSorted());
    });
  }
});

Deno.test("a page in place of the file leaves what has come of it alone", async () => {
  const { source, packed } = sources.packed;
  await withCache(async (folder) => {
    let answer: Answer = () => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(file.slice(0, 5000)),
        pull: (controller) => controller.error(new Error("cut")),
      });
      return new Response(body, { headers: { "content-length": `${file.length}`, etag: "one" } });
    };
    await using server = serve((path, request) => path === `${images}.gz` ? answer(request) : serveFile(packed[path], request));
    const load = () => idxDataset(source, { mirrors: [server.url] })();
    left(await load(), "Download");
    answer = () => new Response("<html>Sign in to the network</html>");
    assert.match(left(await load(), "Download").message, /it has 35 bytes, but \d+ were published/);
    assert.equal((await list(folder)).length, 1);
    answer = (request) => {
      const response = serveFile(file, request);
      response.headers.set("etag", "one");
      return response;
    };
    right(await load());
    assert.equal(server.requests.filter(({ path }) => path === `${images}.gz`).at(-1)?.range, "bytes=5000-");
  });
});

async function hexOf(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

Deno.test("gzip files of several members are taken, from mirrors and folders", async () => {
  const inMembers = (bytes: Bytes) => {
    const members = [bytes.slice(0, 10), bytes.slice(10, 11), bytes.slice(11)].map((part) => gzipSync(part));
    return Uint8Array.from(members.flatMap((member) => [...member]));
  };
  const files = Object.fromEntries(Object.entries(plain).map(([name, bytes]) => [`${name}.gz`, inMembers(bytes)]));
  await withCache(async () => {
    await using server = serve((path, request) => serveFile(files[path], request));
    const { train } = right(await idxDataset(sources.unpacked.source, { mirrors: [server.url] })());
    assert.deepEqual(train.images, plain[images].subarray(16));
  });
  await withFolder(async (folder) => {
    await put(folder, files);
    assert.equal(right(await idxDataset(sources.unpacked.source, { folder })()).name, "small");
  });
});

Deno.test("what a folder's files unpack to is bounded by their size", async () => {
  await withFolder(async (folder) => {
    const large = Uint8Array.from(gzipSync(new Uint8Array(2 ** 27)));
    await put(folder, { ...packed, [`${images}.gz`]: large });
    const error = left(await idxDataset(sources.unpacked.source, { folder })(), "Gzip");
    assert.match(error.message, /unpacks to more than \d+ bytes; if it should, unpack it yourself/);
  });
});

Deno.test("a stallTimeout that no timer can wait is named before anything is done", () => {
  for (const stallTimeout of [0, -1, 0.5, 2 ** 31, Infinity, NaN]) {
    const message = `Cannot call idxDataset with stallTimeout ${stallTimeout}: it must be from 1 to 2147483647 milliseconds`;
    assert.throws(() => idxDataset(sources.unpacked.source, { stallTimeout }), { name: "RangeError", message });
  }
});
