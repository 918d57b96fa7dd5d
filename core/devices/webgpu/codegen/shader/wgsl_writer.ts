/**
 * WGSL text being written: statements line by line, names that are not used twice, functions outside the body.
 *
 * @module
 */
import { type HelperName, helperSources } from "./helpers.ts";

/** What has been written. */
export interface WgslText {
  /** The helper functions that are used. */
  readonly helpers: ReadonlySet<HelperName>;
  /** Declarations outside the body. */
  readonly globals: readonly string[];
  readonly body: readonly string[];
}

/** Writes the body of a shader, and what it needs beside it. */
export class WgslWriter {
  readonly #body: string[] = [];
  readonly #globals: string[] = [];
  readonly #helpers = new Set<HelperName>();
  readonly #functions = new Set<string>();
  #names = 0;
  #depth = 1;

  /** @param roundsEachStep See `Target`. */
  constructor(readonly roundsEachStep: boolean) {}

  /** What has been written so far. */
  get text(): WgslText {
    return { helpers: this.#helpers, globals: this.#globals, body: this.#body };
  }

  /** Adds a line to the body; braces at its ends set the indentation. */
  line(text: string): void {
    if (text.startsWith("}")) this.#depth--;
    this.#body.push("  ".repeat(this.#depth) + text);
    if (text.endsWith("{")) this.#depth++;
  }

  /** Runs `body` inside an `if` on all the conditions there are; as it is if there are none. */
  when(conditions: readonly (string | undefined)[], body: () => void): void {
    const all = conditions.filter((condition) => condition !== undefined);
    if (all.length > 0) this.line(`if (${all.join(" && ")}) {`);
    body();
    if (all.length > 0) this.line("}");
  }

  /** Runs `body` inside a loop whose counter goes from `from` by `step` while it is below `to`; it gets the counter's name. */
  loop(from: string, to: string, step: number, body: (at: string) => void): void {
    const at = this.fresh("t");
    this.line(`for (var ${at} = ${from}; ${at} < ${to}; ${at} += ${step}u) {`);
    body(at);
    this.line("}");
  }

  /** Adds a declaration outside the body: workgroup memory, a function. */
  global(text: string): void {
    this.#globals.push(text);
  }

  /** A name not used before. */
  fresh(prefix: string): string {
    return `${prefix}_${this.#names++}`;
  }

  /** Names a value: `let v3 = text;`. Names and literals are passed through. */
  define(text: string, prefix = "v"): string {
    if (/^\w+$/.test(text)) return text;
    const name = this.fresh(prefix);
    this.line(`let ${name} = ${text};`);
    return name;
  }

  /** Makes a helper function available and returns its name. */
  helper(name: HelperName): string {
    if (!this.#helpers.has(name)) {
      this.#helpers.add(name);
      for (const needed of helperSources[name].needs ?? []) this.helper(needed);
    }
    return name;
  }

  /** Calls `write` the first time it is asked for this name, so that a function is added once. */
  once(name: string, write: () => void): void {
    if (this.#functions.has(name)) return;
    this.#functions.add(name);
    write();
  }

  /**
   * Runs `write`; the lines it adds become the body of a function.
   *
   * @param signature The text between `fn` and `{`.
   */
  function(signature: string, write: () => void): void {
    const kept = this.#body.splice(0);
    const depth = this.#depth;
    this.#depth = 1;
    write();
    const body = this.#body.splice(0);
    this.#globals.push(`fn ${signature} {\n${body.join("\n")}\n}`);
    this.#body.push(...kept);
    this.#depth = depth;
  }
}
