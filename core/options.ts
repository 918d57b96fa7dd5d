/**
 * Records of options: their names and the kinds of their values, checked where they come in. A table is typed by the interface it
 * stands for: one that has a name too many, lacks one or has another kind does not compile.
 *
 * @module
 */
import { OptionError } from "./errors.ts";
import { isRecord, type Kind, notOfKind, real, whole, wholes } from "./kinds.ts";
import { quoted } from "./quoted.ts";
import { nearestName } from "./spelling.ts";

/** The kind of an option that must be given. */
export interface NeededKind<in out T> extends Kind<T> {
  readonly needed: true;
}

/** An option that must be given. */
export function needed<T>(kind: Kind<T>): NeededKind<T> {
  return { ...kind, needed: true };
}

/** The kind of each option of a record. */
export type OptionKinds<O> = {
  readonly [K in keyof O]-?: undefined extends O[K] ? Kind<Exclude<O[K], undefined>> : NeededKind<O[K]>;
};

/** What is known of a record of options. */
export interface OptionTable<O> {
  /** By name; without a prototype, whose names would be options. */
  readonly kinds: OptionKinds<O>;
  /** The names of those that must be given. */
  readonly needed: readonly string[];
}

/** The table of a record of options. */
export function optionTable<O>(kinds: OptionKinds<O>): OptionTable<O> {
  const all = Object.entries(kinds as Record<string, Kind<unknown> | NeededKind<unknown>>);
  return {
    kinds: Object.assign(Object.create(null), kinds),
    needed: all.flatMap(([name, kind]) => "needed" in kind ? [name] : []),
  };
}

/** One axis. */
export const axisOption = optionTable<{ readonly axis?: number }>({ axis: whole });
/** An interval. */
export const intervalOptions = optionTable<{ readonly min?: number; readonly max?: number }>({ min: real, max: real });
/** One axis or several. */
export const axesOption = optionTable<{ readonly axis?: number | readonly number[] }>({ axis: wholes });

/**
 * The options as given, checked. `what` names the function that takes them.
 *
 * @throws {OptionError} If there is no option of a name, or one is missing.
 * @throws {TypeError} If they are no record, or a value is not of its option's kind.
 */
export function checkOptions<O, G extends O>(given: G, { kinds, needed }: OptionTable<O>, what: string): G {
  // No closures, no lists: small operations spend no time on this.
  let names = 0;
  if (typeof given === "object" && given !== null) {
    for (const name in given) {
      const kind = (kinds as Record<string, Kind<unknown> | undefined>)[name];
      const value = given[name];
      if (kind === undefined || !(value === undefined || kind.holds(value))) refuse(given, name, kinds, what);
      names++;
    }
  }
  if (names === 0) checkRecord(given, needed, kinds, what);
  for (let i = 0; i < needed.length; i++) {
    if ((given as Record<string, unknown>)[needed[i]] === undefined) throw missing(needed[i], kinds, what);
  }
  return given;
}

/** Checks that what names no option is a record, or nothing. */
function checkRecord(given: unknown, needed: readonly string[], kinds: object, what: string): void {
  if (given === undefined && needed.length > 0) throw missing(needed[0], kinds, what);
  if (isRecord(given)) return;
  throw new TypeError(`Cannot call ${what} with ${quoted(given)} as options: they are a record, ${shape(kinds)}`);
}

function shape(kinds: object): string {
  return `{ ${Object.keys(kinds).join(", ")} }`;
}

function refuse(given: object, name: string, kinds: object, what: string): never {
  const names = Object.keys(kinds);
  const kind = (kinds as Record<string, Kind<unknown> | undefined>)[name];
  const value = (given as Record<string, unknown>)[name];
  if (kind) throw notOfKind(value, kind, `${what} with ${name}`);
  if (!isRecord(given) && !names.some((each) => each in given)) checkRecord(given, [], kinds, what);
  const nearest = nearestName(name, names);
  const meant = nearest === undefined ? "" : `did you mean ${nearest}? `;
  throw new OptionError(`Cannot call ${what} with an option ${JSON.stringify(name)}: ${meant}its options are ${shape(kinds)}`, {
    option: name,
    nearest,
    options: names,
  });
}

function missing(name: string, kinds: object, what: string): OptionError {
  return new OptionError(`Cannot call ${what} without the option ${name}: its options are ${shape(kinds)}`, {
    option: name,
    options: Object.keys(kinds),
  });
}
