/**
 * Values in messages.
 *
 * @module
 */

/** A value in a few words. */
export function quoted(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
    case "number":
      return Object.is(value, -0) ? "-0" : `${value}`;
    case "bigint":
      return `${value}n`;
    case "symbol":
      return "a symbol";
    case "function":
      return "a function";
    case "object":
      return value === null ? "null" : Array.isArray(value) ? listed(value) : named(value);
    default:
      return `${value}`;
  }
}

function listed(values: readonly unknown[]): string {
  const shown = Array.from(values.slice(0, 8), quoted);
  return `[${[...shown, ...(values.length > 8 ? ["..."] : [])].join(", ")}]`;
}

function named(value: object): string {
  if (value instanceof Promise) return "a Promise, which must be awaited first";
  const { constructor } = value as { constructor?: unknown };
  const name = typeof constructor === "function" ? constructor.name : "";
  if (name === "TracedNumber") return `${value}`; // throws: it says itself why it cannot be used there
  if (name === "Tensor" && "dtype" in value && "shape" in value) {
    return `Tensor(${value.dtype}[${(value.shape as unknown[]).join(", ")}])`;
  }
  return name === "Object" || name === "" ? `a record { ${Object.keys(value).slice(0, 8).join(", ")} }` : `a ${name}`;
}

/** The first few of a list, and how many more there are. */
export function firstFew(items: readonly string[], most = 5): string {
  const more = items.length > most ? `, and ${items.length - most} more` : "";
  return `${items.slice(0, most).join(", ")}${more}`;
}

/** What a thrown value says. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Gives classes the names that messages show: programs that were made small have others for them. */
export function nameClasses(classes: Readonly<Record<string, object>>): void {
  for (const [name, each] of Object.entries(classes)) Object.defineProperty(each, "name", { value: name });
}
