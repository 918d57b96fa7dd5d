/**
 * What runs the library: Deno, or a page of a browser or one of its workers. Whatever only Deno has is asked of this file, or behind a
 * permission, which nobody grants in a browser.
 *
 * @module
 */

/** Deno's functions; undefined in a browser. */
export const deno: typeof Deno | undefined = "Deno" in globalThis ? Deno : undefined;

/** Whether this thread may sleep until another wakes it. The main thread of a page may not. */
export const maySleep: boolean = !("document" in globalThis);

/** Whether threads can share memory: in a browser only where the page is isolated from other origins. */
export const sharesMemory: boolean = deno !== undefined ||
  (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;

/** Whether something is a buffer that threads share; a page that is not isolated has no such type. */
export function isSharedBuffer(value: unknown): value is SharedArrayBuffer {
  return typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer;
}

/** The modules of Node's library that are used. */
interface NodeModules {
  "node:path": typeof import("node:path");
  "node:worker_threads": typeof import("node:worker_threads");
}

/** What Deno and Node have for modules that must be there at once. */
interface ModuleLoader {
  getBuiltinModule?<Name extends keyof NodeModules>(name: Name): NodeModules[Name];
}

/** A module of Node's library, which is loaded when it is first asked for; undefined in a browser. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  return (globalThis as { process?: ModuleLoader }).process?.getBuiltinModule?.(name);
}

/** Node's functions for paths of files: asked for where there are files. */
export function paths(): NodeModules["node:path"] {
  return nodeModule("node:path")!;
}
