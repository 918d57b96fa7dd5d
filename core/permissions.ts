/**
 * Whether Deno may read, write, connect, look at a variable or call libraries: asked of Deno, never of the user, so that nothing prompts.
 *
 * @module
 */
import type { Outcome } from "./or_throw.ts";
import { deno } from "./runtime.ts";

/** Deno was started without a permission that is needed; `flag` grants it. */
export interface PermissionError {
  readonly kind: "Permission";
  readonly message: string;
  readonly flag: string;
}

/** A permission and what to write after the flag that grants it (nothing: all of its kind). */
export interface Permission {
  readonly descriptor: Deno.PermissionDescriptor;
  readonly value?: string;
}

/** Reading files under a path, or anywhere. */
export function reading(path?: string): Permission {
  return { descriptor: { name: "read", path }, value: path };
}

/** Writing files under a path, or anywhere. */
export function writing(path?: string): Permission {
  return { descriptor: { name: "write", path }, value: path };
}

/** Looking at an environment variable. */
export function variable(name: string): Permission {
  return { descriptor: { name: "env", variable: name }, value: name };
}

/** Connecting to the host of a URL. */
export function connecting(url: URL): Permission {
  // A permission for one port only answers to a query that names it, and a URL leaves out its protocol's own port.
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return { descriptor: { name: "net", host: `${url.hostname}:${port}` }, value: url.host };
}

/** Calling functions of any library, and code at any address. */
export const anyLibrary: Permission = { descriptor: { name: "ffi" } };

/** Whether a permission is granted already. In a browser none is. */
export function isGranted({ descriptor }: Permission): boolean {
  if (!deno) return false;
  try {
    return deno.permissions.querySync(descriptor).state === "granted";
  } catch (error) {
    // A host that Deno cannot name (with two dots in a row, say) has no permission of its own.
    if (error instanceof URIError) return false;
    throw error;
  }
}

/**
 * Right if every permission in `needed` is granted.
 *
 * @param purpose What they are needed for: completes "Cannot ...".
 * @param named What the error should tell the user to grant, of which it names those that are not: by default `needed`.
 */
export function permitted(
  needed: readonly Permission[],
  purpose: string,
  named: readonly Permission[] = needed,
): Outcome<PermissionError, void> {
  if (needed.every(isGranted)) return { _tag: "Right", right: undefined };
  const flag = flags(named.filter((permission) => !isGranted(permission)));
  const remedy = deno ? `without permission: run deno with ${flag} (or -A)` : "in a browser: it has no such access";
  const message = `Cannot ${purpose} ${remedy}`;
  return { _tag: "Left", left: { kind: "Permission", message, flag } };
}

/** The flags that grant permissions, one for each kind. */
function flags(permissions: readonly Permission[]): string {
  const kinds = Map.groupBy(permissions, ({ descriptor }) => descriptor.name);
  return [...kinds].map(([name, ofKind]) => {
    const values = ofKind.map(({ value }) => value);
    return values.includes(undefined) ? `--allow-${name}` : `--allow-${name}=${[...new Set(values)].join(",")}`;
  }).join(" ");
}
