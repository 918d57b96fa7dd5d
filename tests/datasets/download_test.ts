/** Downloads from a server of the test's own: progress, resuming, mirrors, and everything that goes wrong on the way. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { type DatasetOptions, idxDataset, type Progress, showDatasetError } from "../../datasets/mod.ts";
import { gzip, left, list, put, right, serve, serveCut, serveFile, smallSource, withCache, withFolder } from "./fixtures.ts";
import { withVariables } from "../support/variables.ts";

const { source, plain, packed } = await smallSource();
const names = Object.keys(packed);
const images = "train-images-idx3-ubyte.gz";

/** The small data set from some mirrors. */
function load(mirrors: readonly string[], options: DatasetOptions = {}) {
  return idxDataset(source, { mirrors, ...options })();
}

/** The address of a port without a listener. */
function deadAddress(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `http://127.0.0.1:${port}`;
}

Deno.test("a data set is downloaded once, with progress, and then comes from the cache", async () => {
  await withCache(async (folder) => {
    await using server = serve((path, request) => serveFile(packed[path], request));
    const seen: Progress[] = [];
    const first = right(await load([server.url], { onProgress: (progress) => seen.push(progress) }));
    assert.equal(first.name, "small");
    assert.deepEqual([first.train.count, first.test.count, first.train.shape, first.test.classes], [30, 12, [1, 28, 28], 10]);
    assert.deepEqual(first.test.images, plain["t10k-images-idx3-ubyte"].subarray(16));
    assert.deepEqual(await list(folder), names.toSorted());
    for (const name of names) {
      const ofFile = seen.filter(({ file }) => file === name);
      assert.deepEqual(ofFile.at(-1), { file: name, received: packed[name].length, total: packed[name].length });
      assert.equal(ofFile[0].received, 0);
      for (let i = 1; i < ofFile.length; i++) assert.ok(ofFile[i].received > ofFile[i - 1].received);
    }
    assert.equal(server.requests.length, 4);
    assert.deepEqual(right(await load([server.url])), first);
    assert.deepEqual(right(await load([], { download: false })), first);
    assert.equal(server.requests.length, 4);
  });
});

Deno.test("a connection that is cut is taken up again", async () => {
  await withCache(async () => {
    let cuts = 0;
    await using server = serve((path, request) =>
      path === images && cuts++ < 2 ? serveCut(packed[path], 5000, request) : serveFile(packed[path], request)
    );
    const seen: Progress[] = [];
    assert.equal(right(await load([server.url], { onProgress: (progress) => seen.push(progress) })).train.count, 30);
    assert.deepEqual(server.requests.slice(0, 3).map(({ range }) => range), [null, "bytes=5000-", "bytes=10000-"]);
    assert.ok(seen.every(({ file, total }) => total === packed[file].length));
  });
});

Deno.test("an interrupted download goes on where it stopped, the next time", async () => {
  await withCache(async (folder) => {
    let broken = true;
    await using server = serve((path, request) => {
      if (path !== images || !broken) return serveFile(packed[path], request);
      return request.headers.has("range") ? new Response(null, { status: 503 }) : serveCut(packed[path], 4000, request);
    });
    const error = left(await load([server.url]), "Download");
    assert.equal(error.file, images);
    assert.match(error.message, /503/);
    const [part, ...others] = await list(folder);
    assert.match(part, /^train-images-idx3-ubyte\.gz(\.[0-9a-f]{8}){2}\.part$/);
    assert.deepEqual(others, []);
    assert.equal((await Deno.stat(join(folder, part))).size, 4000);

    broken = false;
    right(await load([server.url]));
    assert.deepEqual(server.requests[2], { path: images, range: "bytes=4000-" });
    assert.deepEqual(await list(folder), names.toSorted());
  });
});

Deno.test("files that had come before an interruption are kept", async () => {
  await withCache(async (folder) => {
    let broken = true;
    await using server = serve((path, request) =>
      serveFile(broken && path.startsWith("t10k") ? undefined : packed[path], request)
    );
    left(await load([server.url]), "Download");
    assert.deepEqual(await list(folder), names.slice(0, 2).toSorted());
    broken = false;
    right(await load([server.url]));
    assert.equal(server.requests.filter(({ path }) => path === images).length, 1);
  });
});

Deno.test("a part that is whole is not downloaded again, and one of another file is thrown away", async () => {
  await withCache(async (folder) => {
    let healthy = false;
    await using server = serve((path, request) =>
      healthy ? serveFile(packed[path], request) : serveCut(packed[path], 100, request)
    );
    const part = async () => join(folder, (await list(folder)).find((name) => name.startsWith(images))!);
    const interrupt = async () => {
      healthy = false;
      await Deno.remove(join(folder, images)).catch(() => {});
      left(await load([server.url]), "Download");
      healthy = true;
    };
    await interrupt();
    await Deno.writeFile(await part(), packed[images]);
    right(await load([server.url]));

    await interrupt();
    await Deno.writeFile(await part(), new Uint8Array(packed[images].length + 10));
    right(await load([server.url]));

    await interrupt();
    await Deno.writeFile(await part(), new Uint8Array(1000)); // right length, wrong bytes: seen by the digest, then started anew
    right(await load([server.url]));
    assert.deepEqual(await list(folder), names.toSorted());
  });
});

Deno.test("a server without range requests sends the whole file again", async () => {
  await withCache(async () => {
    let cuts = 0;
    await using server = serve((path, request) => {
      const whole = new Request(request.url);
      return path === images && cuts++ < 1 ? serveCut(packed[path], 5000, whole) : serveFile(packed[path], whole);
    });
    right(await load([server.url]));
    assert.equal(server.requests[1].range, "bytes=5000-");
  });
});

Deno.test("a file with another digest is not kept", async () => {
  await withCache(async (folder) => {
    const other = await gzip(plain[images.replace(".gz", "")].with(500, 1));
    await using server = serve((_, request) => serveFile(other, request));
    const error = left(await load([server.url]), "Download");
    const [attempt] = error.attempts;
    assert.equal(attempt.url, `${server.url}/${images}`);
    assert.equal(attempt.error.kind, "Digest");
    assert.match(error.message, new RegExp(source.files[0].digest.hex));
    assert.deepEqual(await list(folder), []);
  });
});

Deno.test("a damaged gzip file is not kept", async () => {
  await withCache(async (folder) => {
    await using server = serve((path, request) => serveFile(packed[path].with(200, packed[path][200] ^ 1), request));
    assert.equal(left(await load([server.url]), "Download").attempts[0].error.kind, "Gzip");
    assert.deepEqual(await list(folder), []);
  });
});

Deno.test("mirrors are asked in turn until one has the file", async () => {
  await withCache(async (folder) => {
    await using empty = serve(() => new Response("gone", { status: 404 }));
    await using wrong = serve(() => new Response("<html>Sign in to the network</html>"));
    await using cut = serve((path, request) =>
      request.headers.has("range") ? new Response(null, { status: 500 }) : serveCut(packed[path], 9, request)
    );
    // Packed differently: bytes of two mirrors must not be put together.
    await using good = serve((path, request) => serveFile(plain[path.replace(".gz", "")], request));
    right(await load([empty.url, wrong.url, cut.url, deadAddress(), "no address", "ftp://127.0.0.1/", `${good.url}/`]));
    assert.deepEqual([empty, wrong, good].map(({ requests }) => requests.length), [4, 4, 4]);
    assert.deepEqual(await list(folder), names.toSorted());
  });
});

Deno.test("if no mirror has the file, the error lists each", async () => {
  await withCache(async (folder) => {
    await using empty = serve(() => new Response("gone", { status: 404 }));
    const error = left(await load([empty.url, deadAddress(), "no address"]), "Download");
    assert.deepEqual(error.attempts.map((attempt) => attempt.error.kind), ["Http", "Http", "Http"]);
    assert.equal(error.attempts[0].error.kind === "Http" && error.attempts[0].error.status, 404);
    const lines = showDatasetError(error).split("\n");
    assert.equal(lines.length, 4);
    assert.match(lines[1], /it answered 404/);
    assert.match(lines[2], /Connection refused|actively refused/);
    assert.match(lines[3], /not an http or https address/);
    assert.deepEqual(await list(folder), []);
  });
});

Deno.test("redirects are followed, but not without end", async () => {
  await withCache(async () => {
    await using good = serve((path, request) => serveFile(packed[path], request));
    await using elsewhere = serve((path) => Response.redirect(`${good.url}/${path}`));
    await using circle = serve((path) => new Response(null, { status: 302, headers: { location: `/${path}` } }));
    assert.match(left(await load([circle.url]), "Download").message, /redirects without end/);
    right(await load([elsewhere.url]));
  });
});

Deno.test("a mirror that sends nothing any more is given up", async () => {
  await withCache(async () => {
    const stop = Promise.withResolvers<void>();
    await using server = serve((path) => {
      const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(packed[path].slice(0, 10)) });
      return path === images ? new Response(body) : stop.promise.then(() => new Response());
    });
    const error = left(await load([server.url], { stallTimeout: 100 }), "Download");
    stop.resolve();
    assert.match(error.message, /nothing came for 100 ms/);
  });
});

Deno.test("what is damaged in the cache is downloaded again, and kept if it cannot be", async () => {
  await withCache(async (folder) => {
    await put(folder, { ...packed, [images]: packed[images].slice(0, 300) });
    assert.equal(left(await load([], { download: false }), "Gzip").file, join(folder, images));
    left(await load([deadAddress()]), "Download");
    assert.deepEqual(await list(folder), names.toSorted());
    await using server = serve((path, request) => serveFile(packed[path], request));
    right(await load([server.url]));
    assert.deepEqual(server.requests.map(({ path }) => path), [images]);
    right(await load([], { download: false }));

    await Deno.writeFile(join(folder, images), await gzip(plain["t10k-images-idx3-ubyte"]));
    assert.equal(left(await load([], { download: false }), "Digest").expected, source.files[0].digest.hex);
  });
});

Deno.test("loads at the same time download each file once", async () => {
  await withCache(async (folder) => {
    await using server = serve(async (path, request) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return serveFile(packed[path], request);
    });
    for (const result of await Promise.all([load([server.url]), load([server.url]), load([server.url])])) right(result);
    assert.equal(server.requests.length, 4);
    assert.deepEqual(await list(folder), names.toSorted());
  });
});

Deno.test("processes at the same time download each file once", async () => {
  await withCache(async (folder) => {
    await using server = serve(async (path, request) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return serveFile(packed[path], request);
    });
    const module = new URL("../../datasets/mod.ts", import.meta.url).href;
    const script = `import { idxDataset } from ${JSON.stringify(module)};
      const loaded = await idxDataset(${JSON.stringify(source)}, { mirrors: [${JSON.stringify(server.url)}] })();
      console.log(loaded._tag === "Right" ? loaded.right.train.count : loaded.left.message);`;
    const run = async () => {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-lock", "-"],
        env: { COTANGENT_CACHE: dirname(folder) },
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      await new Blob([script]).stream().pipeTo(child.stdin);
      return new TextDecoder().decode((await child.output()).stdout).trim();
    };
    assert.deepEqual(await Promise.all([run(), run(), run()]), ["30", "30", "30"]);
    assert.equal(server.requests.length, 4);
    assert.deepEqual(await list(folder), names.toSorted());
  });
});

Deno.test("a cache folder that cannot be made is an error of its own, and asks no mirror", async () => {
  await withFolder(async (folder) => {
    // A file where the folder should be: this stops even the superuser.
    await put(folder, { blocked: new Uint8Array() });
    await using server = serve((path, request) => serveFile(packed[path], request));
    const loaded = await withVariables({ COTANGENT_CACHE: join(folder, "blocked") }, () => load([server.url]));
    const error = left(loaded, "Cache");
    assert.equal(error.path, join(folder, "blocked", "small"));
    assert.match(error.message, /set COTANGENT_CACHE/);
    assert.deepEqual(server.requests, []);
  });
});

Deno.test("a part that cannot be written is an error of the cache, not of the mirror", async () => {
  await withCache(async (folder) => {
    await using server = serve((path, request) => serveFile(packed[path], request));
    await using other = serve((path, request) => serveCut(packed[path], 10, request));
    left(await load([other.url]), "Download");
    const part = join(folder, (await list(folder))[0]);
    await Deno.remove(part);
    await Deno.mkdir(part);
    left(await load([other.url, server.url]), "Cache");
    assert.deepEqual(server.requests, []);
  });
});
