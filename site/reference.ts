/**
 * What `deno doc` knows of everything public, and its pages brought into the form of the site.
 *
 * @module
 */
import { type Category, categoryOf } from "./categories.ts";

const root = new URL("../", import.meta.url);

/** The modules that users import, by what the site calls them, and the folder in which `deno doc --html` puts their names. */
export const entries: readonly { readonly file: string; readonly specifier: string; readonly folder: string }[] = [
  { file: "mod.ts", specifier: "cotangent", folder: "" },
  { file: "visual/mod.ts", specifier: "cotangent/visual", folder: "visual/" },
  { file: "distributed/mod.ts", specifier: "cotangent/distributed", folder: "distributed/" },
  { file: "onnx/mod.ts", specifier: "cotangent/onnx", folder: "onnx/" },
];

/** What a name is. */
export type Kind = "function" | "class" | "interface" | "typeAlias" | "variable";

/** A public name. */
export interface PublicName {
  /** With its namespaces: `layers.conv2d`. */
  readonly name: string;
  readonly kind: Kind;
  /** The first sentence that is said of it. */
  readonly sentence: string;
  readonly category: Category | undefined;
  /** The file it is in, from the root of the project. */
  readonly file: string;
  /** Its page, from the root of the site. */
  readonly page: string;
  /** What it is imported from. */
  readonly specifier: string;
}

/** A name as `deno doc --json` has it. */
interface Described {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: Kind | "namespace" | "reference";
    readonly declarationKind: "export" | "declare" | "private";
    readonly location: { readonly filename: string };
    readonly jsDoc?: { readonly doc?: string };
    readonly def: { readonly elements?: readonly Described[] };
  }[];
}

/** Runs `deno doc` in the project. */
async function denoDoc(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: ["doc", ...args], cwd: root }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** The first sentence of a text. */
function firstSentence(text: string): string {
  const paragraph = text.trim().split(/\n\s*\n/)[0].replaceAll(/\s+/g, " ");
  return paragraph.match(/^.*?[.:](?= [A-Z`]|$)/)?.[0].replace(/:$/, ".") ?? paragraph;
}

/** Everything public. */
export async function publicNames(): Promise<PublicName[]> {
  const found: PublicName[] = [];
  for (const { file, specifier, folder } of entries) {
    const nodes: Record<string, { symbols: Described[] }> = JSON.parse(await denoDoc(["--json", file])).nodes;
    const visit = (symbols: readonly Described[], prefix: string) => {
      for (const { name, declarations } of symbols) {
        const shown = declarations.filter(({ declarationKind }) => declarationKind !== "private");
        for (const { def } of shown) if (def.elements) visit(def.elements, `${prefix}${name}.`);
        const [first] = shown;
        if (first === undefined || first.kind === "namespace" || first.kind === "reference") continue;
        const path = first.location.filename.slice(root.href.length);
        const doc = shown.find(({ jsDoc }) => jsDoc?.doc)?.jsDoc?.doc ?? "";
        found.push({
          name: `${prefix}${name}`,
          kind: first.kind,
          sentence: firstSentence(doc),
          category: categoryOf(path),
          file: path,
          page: `reference/${folder}~/${prefix}${name}.html`,
          specifier,
        });
      }
    };
    visit(Object.values(nodes).flatMap(({ symbols }) => symbols), "");
  }
  return found;
}

/** Writes the pages of `deno doc` into a folder. */
export async function writeDenoDoc(folder: string): Promise<void> {
  await denoDoc(["--html", "--quiet", "--name=Cotangent", `--output=${folder}`, ...entries.map(({ file }) => file)]);
}

/** What the library is called in imports, wherever a file of its own names its entries by their paths. */
export function importsByName(code: string): string {
  return code.replaceAll(/(["']|&quot;)(?:\.\.?\/)+(?:(\w+)\/)?mod\.ts\1/g, (whole, quote, entry) => {
    const file = entry === undefined ? "mod.ts" : `${entry}/mod.ts`;
    const found = entries.find((each) => each.file === file);
    return found === undefined ? whole : `${quote}${found.specifier}${quote}`;
  });
}

/** The content of a page of `deno doc`, without what the site has itself: the head, the bar with the search, paths of this machine. */
export function contentOf(html: string, specifier: string): string {
  const [, body] = html.match(/<body>([\s\S]*)<\/body>/)!;
  return importsByName(body)
    .replace(/<nav id="topnav">[\s\S]*?<\/nav>/, "")
    .replace(`<div id="searchResults"></div>`, "")
    .replaceAll(/<a\s+class="sourceButton"[\s\S]*?<\/a>/g, "")
    .replaceAll(/(import \{[^}]*\} from )&quot;(?:\.|distributed|visual|onnx)&quot;/g, `$1&quot;${specifier}&quot;`)
    .replaceAll("&#x2F;", "/")
    .replace(`<div id="content">`, `<div class="doc">`)
    .replaceAll("<main", "<section").replaceAll("</main>", "</section>")
    .replaceAll(/(href="(?:\.\.\/)*)(?:\.\/)+/g, "$1");
}

/**
 * The links of a page of `deno doc` that lead nowhere as their text: type parameters of mapped types, names that another entry has,
 * members whose names no file can have.
 *
 * @param isThere Whether the site has a page, by its path from `page`.
 */
export function withoutDeadLinks(html: string, isThere: (path: string) => boolean): string {
  const ids = new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id));
  return html.replaceAll(/<a\b[^>]*?\shref="([^"]*)"[^>]*>([\s\S]*?)<\/a>/g, (whole, href: string, text: string) => {
    if (/^(https?|data):/.test(href)) return whole;
    const [path, fragment] = href.replaceAll("&quot;", '"').split("#");
    const isAlive = path === "" ? ids.has(fragment) || fragment === "content" : isThere(path);
    return isAlive ? whole : text;
  });
}
