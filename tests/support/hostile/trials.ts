/**
 * The calls that a table of functions asks for.
 *
 * @module
 */
import type { Row } from "./rows.ts";
import { type Hostile, hostileValues, Param } from "./values.ts";

/** A function of the library. */
export type Fn = (...args: unknown[]) => unknown;

/** Functions of a module by path, those of namespaces in it too; no classes, and each function once. */
export function functionsOf(module: object, path = "", seen = new Set<unknown>()): [string, Fn][] {
  const isNamespace = (value: unknown): value is object =>
    typeof value === "object" && value !== null && Reflect.get(value, Symbol.toStringTag) === "Module";
  // A function that is there twice has the shorter path.
  const parts = Object.entries(module).sort(([, a], [, b]) => Number(isNamespace(a)) - Number(isNamespace(b)));
  return parts.flatMap(([name, value]): [string, Fn][] => {
    const own = `${path}${name}`;
    if (isNamespace(value)) return functionsOf(value, `${own}.`, seen);
    if (typeof value !== "function" || /^class\b/.test(String(value)) || seen.has(value)) return [];
    seen.add(value);
    return [[own, value as Fn]];
  });
}

/** The arguments of a row, one of them replaced. */
export function argumentsOf({ params }: Row, position = -1, replaced?: unknown): unknown[] {
  return params.map((param, i) => {
    if (i === position) return replaced;
    if (param instanceof Param) return param.value();
    return Object.fromEntries(Object.entries(param.options).map(([name, each]) => [name, each.value()]));
  });
}

/** A call, and whether it may succeed. */
export interface Trial {
  readonly what: string;
  readonly run: () => unknown;
  readonly maySucceed: boolean;
}

/** All calls with hostile values of one function. */
export function trialsOf(path: string, f: Fn, each: Row): Trial[] {
  const call = (what: string, args: () => unknown[], maySucceed: boolean): Trial => ({
    what: `${path} ${what}`,
    run: async () => {
      const result = await f(...args());
      return each.use ? await each.use(result as never) : result;
    },
    maySucceed,
  });
  const isTried = ([name]: [Hostile, unknown]) => !(each.costly && (name === "undefined" || name === "{}"));
  const hostile = (Object.entries(hostileValues) as [Hostile, () => unknown][]).filter(isTried);
  return each.params.flatMap((param, i) => {
    if (param instanceof Param) {
      return hostile.map(([name, value]) =>
        call(`argument ${i}: ${name}`, () => argumentsOf(each, i, value()), param.takes.includes(name))
      );
    }
    const record = (name: string, value: unknown) => () => {
      const given = argumentsOf(each);
      given[i] = { ...given[i] as object, [name]: value };
      return given;
    };
    const isOptional = Object.values(param.options).every(({ takes }) => takes.includes("undefined"));
    return [
      ...hostile.map(([name, value]) =>
        call(
          `options: ${name}`,
          () => argumentsOf(each, i, value()),
          isOptional && (name === "undefined" || name === "{}"),
        )
      ),
      ...Object.entries(param.options).flatMap(([option, { takes }]) =>
        hostile.map(([name, value]) => call(`option ${option}: ${name}`, () => record(option, value())(), takes.includes(name)))
      ),
    ];
  });
}
