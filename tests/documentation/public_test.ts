/**
 * `deno doc mod.ts` shows everything public: each name, those in namespaces too, with a sentence; functions with their shapes and an
 * example. That each has a category, the test of the site holds.
 *
 * Deno documents of a namespace (`export * as layers from ...`) only what its module has by `export * from`, and its lint checks no
 * more than that: names that are re-exported one by one are left out without a word.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as cotangent from "../../mod.ts";
import * as distributed from "../../distributed/mod.ts";
import * as onnx from "../../onnx/mod.ts";
import * as visual from "../../visual/mod.ts";

const root = new URL("../../", import.meta.url);

/** A name as `deno doc --json` describes it: with several declarations if it is overloaded. */
interface Described {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly declarationKind: "export" | "declare" | "private";
    readonly location: { readonly filename: string };
    readonly jsDoc?: { readonly doc?: string; readonly tags?: readonly { readonly doc?: string }[] };
    readonly def: { readonly elements?: readonly Described[]; readonly params?: unknown; readonly returnType?: unknown };
  }[];
}

/** What `deno doc` says about a module. (Given several at once, it would say of one that it refers to another.) */
async function documentation(module: URL): Promise<Described[]> {
  const args = ["doc", "--json", module.href];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const nodes: Record<string, { symbols: Described[] }> = JSON.parse(new TextDecoder().decode(stdout)).nodes;
  return Object.values(nodes).flatMap(({ symbols }) => symbols.filter(isPublic));
}

function isPublic({ declarations }: Described): boolean {
  return declarations.some(({ declarationKind }) => declarationKind !== "private");
}

/** Names with dots, and what is said of them. */
function flattened(symbols: readonly Described[], prefix = ""): [name: string, symbol: Described][] {
  return symbols.flatMap((each): [string, Described][] => {
    const name = `${prefix}${each.name}`;
    const members = each.declarations.flatMap(({ def }) => def.elements ?? []).filter(isPublic);
    return [[name, each], ...flattened(members, `${name}.`)];
  });
}

/** The namespaces of a module, with dots, and the modules that they are. */
async function namespacesOf(module: URL, prefix = ""): Promise<[name: string, module: URL][]> {
  const found: [string, URL][] = [];
  for (const [, name, path] of (await Deno.readTextFile(module)).matchAll(/^export \* as (\w+) from "(.+)";$/gm)) {
    const inner = new URL(path, module);
    found.push([`${prefix}${name}`, inner], ...await namespacesOf(inner, `${prefix}${name}.`));
  }
  return found;
}

/** The values of a module and their names, with dots. */
function valuesOf(module: object, prefix = ""): [name: string, value: unknown][] {
  return Object.entries(module).flatMap(([name, value]): [string, unknown][] => {
    const isNamespace = value?.[Symbol.toStringTag] === "Module";
    return [[`${prefix}${name}`, value], ...isNamespace ? valuesOf(value, `${prefix}${name}.`) : []];
  });
}

/** What is no function and has no example, and why. */
const withoutExample: readonly { readonly what: RegExp; readonly why: string }[] = [
  {
    what: /^core\/ops\/(arithmetic|unary|binary|polar|logic|special)\.ts /,
    why: "made by the dozen by one maker, each with a sentence of what it computes",
  },
  { what: /Error$/, why: "thrown, not made by users; the functions that throw it show how" },
  { what: /^core\/(tensor|traced_number)\.ts /, why: "a type whose instances come from functions, which have examples" },
  { what: /^datasets\/\w+\.ts .*(Classes|Source)$/, why: "a constant: names of classes, where files are published" },
  { what: / jupyterDisplay$/, why: "a constant: the name of a method" },
  { what: /^layers\/layer\.ts .*evalMode$/, why: "a constant, which every example of a model has" },
];

/** Words by which documentation says what shapes go in and come out: one of them, or brackets as in [batch, channels]. */
const shapes = /\[[^\]]+\]|\b(shapes?|scalars?|elements?|axis|axes|numbers?|trees?|records?)\b/;

/** Of a description without types of its own, whether tensors go in or come out. */
const hasTensors = (declaration: Described["declarations"][number]) =>
  /"Tensor(Like)?"/.test(JSON.stringify([declaration.def.params, declaration.def.returnType]));

const entries: [module: URL, values: object][] = [
  [new URL("mod.ts", root), cotangent],
  [new URL("visual/mod.ts", root), visual],
  [new URL("onnx/mod.ts", root), onnx],
  [new URL("distributed/mod.ts", root), distributed],
];

for (const [entry, values] of entries) {
  Deno.test(`deno doc ${entry.href.slice(root.href.length)} shows everything public`, async () => {
    const shown = new Map(flattened(await documentation(entry)));
    const members = await Promise.all(
      (await namespacesOf(entry)).map(async ([name, module]) =>
        (await documentation(module)).map((member) => `${name}.${member.name}`)
      ),
    );
    const exported = valuesOf(values);
    const misnamed = exported.filter(([name, value]) => typeof value === "function" && !`.${name}`.endsWith(`.${value.name}`));
    assert.deepEqual(misnamed.map(([name]) => name), [], "functions have their names");
    const missing = [...exported.map(([name]) => name), ...members.flat()].filter((name) => !shown.has(name));
    assert.deepEqual([...new Set(missing)], []);
    const silent = [...shown].filter(([, { declarations }]) => !declarations.some(({ jsDoc }) => jsDoc?.doc));
    assert.deepEqual(silent.map(([name]) => name), []);
    const plain = [...shown].filter(([, { declarations }]) =>
      declarations.some(({ kind }) => kind === "function") && !JSON.stringify(declarations).includes("```ts")
    );
    assert.deepEqual(plain.map(([name]) => name), []);

    const own = [...shown].map(([name, { declarations }]) => ({
      name,
      declarations: declarations.filter(({ declarationKind }) => declarationKind !== "private"),
      text: JSON.stringify(declarations.map(({ jsDoc }) => jsDoc)),
    })).filter(({ declarations }) => declarations.some(({ kind }) => kind !== "reference"));
    const endless = own.filter(({ declarations }) => {
      const doc = declarations.find(({ jsDoc }) => jsDoc?.doc)?.jsDoc?.doc ?? "";
      return !/[.:)]$/.test(doc.trim().split(/\n\s*\n/)[0]);
    });
    assert.deepEqual(endless.map(({ name }) => name), [], "documentation begins with a sentence");
    const shapeless = own.filter(({ declarations, text }) =>
      declarations.some((each) => each.kind === "function" && hasTensors(each)) && !shapes.test(text)
    );
    assert.deepEqual(shapeless.map(({ name }) => name), [], "functions of tensors say what their shapes are");
    const unshown = own.filter(({ name, declarations: [{ kind, location }], text }) => {
      const what = `${location.filename.slice(root.href.length)} ${name}`;
      return /^(variable|class)$/.test(kind) && !text.includes("```ts") && !withoutExample.some((each) => each.what.test(what));
    });
    assert.deepEqual(unshown.map(({ name }) => name), [], "values have an example, or a reason why not");
  });
}
