/**
 * The snippets of the documentation: code blocks of JSDoc and Markdown, and the values that they show.
 *
 * A comment behind `console.log` is what the line prints, and so are comment lines directly below it. A snippet becomes a module
 * that runs in this process, with `console.log` replaced by a function that keeps what each line prints.
 *
 * @module
 */
import type { Printed } from "./shown.ts";

/** A code block of a file. */
export interface Snippet {
  /** The path from the root of the project. */
  readonly file: string;
  /** The line of the block's first line of code, from 1. */
  readonly line: number;
  readonly code: readonly string[];
  /** Whether it is marked ` ```ts ignore `: it needs what a test does not have. */
  readonly ignored: boolean;
}

/** What the documentation says that a line prints. */
export interface Shown {
  readonly line: number;
  readonly text: string;
}

const root = new URL("../../", import.meta.url);

/** A line of a JSDoc comment or of Markdown, without what stands before the text. */
const textOf = (line: string, isMarkdown: boolean) => isMarkdown ? line : line.match(/^\s*\* ?(.*)$/)?.[1];

/** The code blocks of a source file or a page. */
export function snippetsOf(file: string, source: string): Snippet[] {
  const found: Snippet[] = [];
  let open: { line: number; code: string[]; ignored: boolean } | undefined;
  for (const [i, line] of source.split("\n").entries()) {
    const text = textOf(line, file.endsWith(".md"));
    const fence = text?.match(/^```(?:ts( ignore)?)?$/);
    if (open === undefined) {
      if (fence && text !== "```") open = { line: i + 2, code: [], ignored: fence[1] !== undefined };
    } else if (fence) {
      found.push({ file, ...open });
      open = undefined;
    } else open.code.push(text ?? "");
  }
  return found;
}

/** Every code block in the files and folders. */
export async function readSnippets(paths: readonly string[]): Promise<Snippet[]> {
  const read = async (path: string): Promise<Snippet[]> => {
    if (!(await Deno.stat(new URL(path, root))).isDirectory) {
      return /\.(ts|md)$/.test(path) ? snippetsOf(path, await Deno.readTextFile(new URL(path, root))) : [];
    }
    const names = (await Array.fromAsync(Deno.readDir(new URL(path, root)))).map(({ name }) => name).sort();
    return await readSnippets(names.map((name) => `${path}/${name}`));
  };
  return (await Promise.all(paths.map(read))).flat();
}

/** Code and what the comment behind it says. */
const commented = /^(?<code>.*\S)\s+\/\/ (?<comment>.*)$/;
/** How a value begins: a bracket, a number, a string, a boolean. */
const valueLike = /^([[{"'`]|-?\d|(true|false|tensor)\b)/;

/**
 * The values that a snippet shows.
 *
 * @throws {SyntaxError} If nothing prints a value: its line has no `console.log`, or the snippet never runs.
 */
export function shownIn({ file, line: first, code, ignored }: Snippet): Shown[] {
  const shown: Shown[] = [];
  for (const [i, text] of code.entries()) {
    const line = first + i;
    const behind = text.match(commented)?.groups;
    const prints = (behind?.code ?? text).includes("console.log(");
    if (behind && (prints ? ignored : valueLike.test(behind.comment))) {
      throw new SyntaxError(
        `${file}:${line}: "// ${behind.comment}" shows a value, but ` +
          (ignored ? "a snippet marked `ignore` never runs" : "this line has no console.log that prints it"),
      );
    }
    if (!prints || ignored) continue;
    const next = code.slice(i + 1).findIndex((text) => !/^\s*\/\/ /.test(text));
    const below = code.slice(i + 1, next < 0 ? undefined : i + 1 + next).map((text) => text.replace(/^\s*\/\/ /, ""));
    const lines = behind ? [behind.comment] : below;
    if (lines.length > 0) shown.push({ line, text: lines.join("\n") });
  }
  return shown;
}

/** A snippet as a module which exports what it prints. Its lines keep their numbers, so that an error names the right one. */
function moduleOf({ file, line, code }: Snippet): string {
  const print = new URL("./shown.ts", import.meta.url).href;
  const head = `import { printing } from "${print}"; export const { printed, $log } = printing();`;
  const body = code.map((text, i) =>
    text.replaceAll("console.log", `$log(${line + i})`).replace(
      /(\bfrom |\bimport )"(\.[^"]+)"/g,
      (_, keyword, path) => `${keyword}"${new URL(path, new URL(file, root)).href}"`,
    )
  );
  return `${head}${"\n".repeat(line - 1)}${body.join("\n")}\n`;
}

/** Runs a snippet and returns what its lines printed. */
export async function run(snippet: Snippet): Promise<Printed[]> {
  const url = URL.createObjectURL(new Blob([moduleOf(snippet)], { type: "application/typescript" }));
  try {
    return (await import(url)).printed;
  } finally {
    URL.revokeObjectURL(url);
  }
}
