/**
 * A web server for the files of a folder.
 *
 * @module
 */
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

/** By these a page is isolated from other origins. */
const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** The file of a folder that a request asks for. */
export async function fileFor(request: Request, folder: string, isolated: boolean): Promise<Response> {
  const path = normalize(decodeURIComponent(new URL(request.url).pathname));
  const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
  const headers = { "content-type": types[extname(file)] ?? "application/octet-stream", "cache-control": "no-cache" };
  try {
    return new Response(await Deno.readFile(file), { headers: isolated ? { ...headers, ...isolation } : headers });
  } catch {
    return new Response("There is no such file", { status: 404 });
  }
}

/** Serves a folder until the server is shut down. */
export function servePage(folder: string, { port, isolated }: { readonly port: number; readonly isolated: boolean }) {
  return Deno.serve({ port, onListen() {} }, (request) => fileFor(request, folder, isolated));
}
