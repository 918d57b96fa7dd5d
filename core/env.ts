/**
 * Environment variables, without ever asking for permission.
 *
 * @module
 */

/** The value of a variable, or undefined if it is unset, empty or may not be read. */
export function readEnv(name: string): string | undefined {
  if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") return undefined;
  return Deno.env.get(name) || undefined;
}

/** What COTANGENT_DEBUG prints: graph, kernels, source, time; several are separated by commas. */
export const debug: ReadonlySet<string> = new Set(readEnv("COTANGENT_DEBUG")?.split(",") ?? []);
