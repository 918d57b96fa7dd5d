/**
 * The project's TypeScript files by HTTP, as those have them who import the library by URL.
 *
 * @module
 */
const root = new URL("../../", import.meta.url);

/** Serves the files on a free port. */
export function serve(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const path = new URL(request.url).pathname;
    if (!path.endsWith(".ts") || path.includes("..")) return new Response("not found", { status: 404 });
    try {
      return new Response(await Deno.readTextFile(new URL(`.${path}`, root)), {
        headers: { "content-type": "application/typescript" },
      });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
}

/** Lets Deno take modules from a server, and none that it may have kept of an earlier one of that name. */
export const loading = (host: string): string[] => [`--reload=http://${host}`, `--allow-import=${host}`];
