/**
 * Environment variables, without ever asking for permission.
 *
 * @module
 */
import { isGranted, variable } from "./permissions.ts";
import { deno } from "./runtime.ts";
import { nearestName } from "./spelling.ts";

/** The value of a variable, or undefined if it is unset, empty or may not be read. */
export function readEnv(name: string): string | undefined {
  if (!isGranted(variable(name))) return undefined;
  return deno?.env.get(name) || undefined;
}

/** What COTANGENT_DEBUG may name. */
const debugWords = ["graph", "kernels", "source", "time", "nan"] as const;
type DebugWord = typeof debugWords[number];

/** What COTANGENT_DEBUG names, separated by commas. Other words are told of, since nothing would show that they do nothing. */
export const debug: ReadonlySet<DebugWord> = new Set(named(readEnv("COTANGENT_DEBUG") ?? ""));

function named(list: string): DebugWord[] {
  return list.split(",").map((word) => word.trim()).filter((word) => word !== "").flatMap((word) => {
    const known = debugWords.find((each) => each === word);
    if (known) return [known];
    const nearest = nearestName(word, debugWords);
    const meant = nearest === undefined ? "" : `did you mean ${nearest}? `;
    console.error(`COTANGENT_DEBUG has no ${JSON.stringify(word)}: ${meant}there are ${debugWords.join(", ")}`);
    return [];
  });
}
