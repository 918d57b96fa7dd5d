/** Small IDX files with their source, folders to put them in, and a server to get them from: what the tests of data sets share. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Digest } from "../../datasets/digest.ts";
import { hexDigest } from "../../datasets/hex_digest.ts";
import type { DatasetError } from "../../datasets/errors.ts";
import type { Bytes } from "../../datasets/gzip.ts";
import type { IdxSource } from "../../datasets/mod.ts";
import type { Either } from "../../deps.ts";
import { withVariables } from "../support/variables.ts";

/** An IDX file of unsigned bytes. */
export function idxBytes(shape: readonly number[], data: ArrayLike<number>): Bytes {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  bytes.set([0, 0, 8, shape.length]);
  const view = new DataView(bytes.buffer);
  shape.forEach((length, axis) => view.setUint32(4 + 4 * axis, length));
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}

/** Bytes packed with gzip. */
export async function gzip(bytes: Bytes): Promise<Bytes> {
  return await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
}

/** `count` images of 28 x 28 with hardly compressible pixels. */
export function imageFile(count: number, seed = 1): Bytes {
  const pixels = Uint8Array.from({ length: count * 784 }, (_, i) => (Math.imul(i + seed, 0x9e3779b1) >>> 13) ^ i);
  return idxBytes([count, 28, 28], pixels);
}

/** `count` labels 0, 1, 2, ... */
export function labelFile(count: number): Bytes {
  return idxBytes([count], Uint8Array.from({ length: count }, (_, i) => i % 10));
}

/**
 * A data set of 30 and 12 images: its description, its files by their published names, unpacked and packed.
 *
 * @param of Of which bytes the digests are.
 */
export async function smallSource(
  algorithm: Digest["algorithm"] = "sha256",
  of: Digest["of"] = "unpacked",
) {
  const plain: Record<string, Bytes> = {
    "train-images-idx3-ubyte": imageFile(30),
    "train-labels-idx1-ubyte": labelFile(30),
    "t10k-images-idx3-ubyte": imageFile(12, 7),
    "t10k-labels-idx1-ubyte": labelFile(12),
  };
  const packed: Record<string, Bytes> = {};
  for (const [name, bytes] of Object.entries(plain)) packed[`${name}.gz`] = await gzip(bytes);
  const files = await Promise.all(
    Object.entries(plain).map(async ([name, bytes]) => {
      const digested = of === "packed" ? packed[`${name}.gz`] : bytes;
      return { name, digest: { algorithm, of, bytes: digested.length, hex: await hexDigest(algorithm, digested) } };
    }),
  );
  const [a, b, c, d] = files;
  const source: IdxSource = { name: "small", shape: [1, 28, 28], classes: 10, mirrors: [], files: [a, b, c, d] };
  return { source, plain, packed };
}

/** Runs a test with a folder of its own, removed afterwards. */
export async function withFolder<A>(test: (folder: string) => Promise<A>): Promise<A> {
  const folder = await Deno.makeTempDir({ prefix: "cotangent_datasets_" });
  try {
    return await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs a test with a cache of its own: the folder is where the data set "small" is kept. */
export async function withCache(test: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await withVariables({ COTANGENT_CACHE: folder }, () => test(join(folder, "small")));
  });
}

/** Writes files into a folder, made if it is not there. */
export async function put(folder: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await Deno.writeFile(join(folder, name), bytes);
}

/** The names in a folder in order, without the lock. */
export async function list(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).filter((name) => name !== ".lock").sort();
}

/** A server of the test's own on this machine; `requests` are those it had. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: { readonly path: string; readonly range: string | null }[];
  /** Cuts all connections. */
  abort(): void;
}

/** Serves until disposed. */
export function serve(handler: (path: string, request: Request) => Response | Promise<Response>): TestServer {
  const requests: { path: string; range: string | null }[] = [];
  const abort = new AbortController();
  const server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      signal: abort.signal,
      onListen() {},
      onError: () => new Response(null, { status: 500 }),
    },
    (request) => {
      const path = new URL(request.url).pathname.slice(1);
      requests.push({ path, range: request.headers.get("range") });
      return handler(path, request);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    abort: () => abort.abort(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Answers with a file, or the part of it that is asked for. */
export function serveFile(bytes: Bytes | undefined, request: Request): Response {
  if (!bytes) return new Response("no such file", { status: 404 });
  const range = request.headers.get("range");
  if (!range) return new Response(bytes);
  const start = Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
  if (start >= bytes.length) return new Response(null, { status: 416, headers: { "content-range": `bytes */${bytes.length}` } });
  const headers = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  return new Response(bytes.slice(start), { status: 206, headers });
}

/** Answers like `serveFile`, but the connection breaks after `length` bytes. */
export function serveCut(bytes: Bytes, length: number, request: Request): Response {
  const whole = serveFile(bytes, request);
  const start = whole.status === 206 ? Number(/^bytes (\d+)/.exec(whole.headers.get("content-range") ?? "")?.[1]) : 0;
  const rest = bytes.slice(start);
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(rest.slice(0, length));
      await new Promise((resolve) => setTimeout(resolve, 50));
      controller.error(new Error("cut"));
    },
  });
  const headers = new Headers(whole.headers);
  headers.set("content-length", String(rest.length));
  return new Response(body, { status: whole.status, headers });
}

/** What is right, or a failed test. */
export function right<A>(result: Either.Either<DatasetError, A>): A {
  if (result._tag === "Left") assert.fail(`Left: ${result.left.message}`);
  return result.right;
}

/** The error, or a failed test if there is none or it is of another kind. */
export function left<K extends DatasetError["kind"]>(
  result: Either.Either<DatasetError, unknown>,
  kind: K,
): Extract<DatasetError, { kind: K }> {
  if (result._tag === "Right") assert.fail(`Right, not Left ${kind}`);
  const error = result.left;
  assert.equal(error.kind, kind, error.message);
  return error as Extract<DatasetError, { kind: K }>;
}
