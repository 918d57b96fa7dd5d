/**
 * `deno doc mod.ts` shows everything public: each name, those in namespaces too, with documentation; functions with an example.
 *
 * Deno documents of a namespace (`export * as layers from ...`) only what its module has by `export * from`, and its lint checks no
 * more than that: names that are re-exported one by one are left out without a word.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as cotangent from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import * as visual from "../../visual/mod.ts";

const root = new URL("../../", import.meta.url);

/** A name as `deno doc --json` describes it: with several declarations if it is overloaded. */
interface Described {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly declarationKind: "export" | "declare" | "private";
    readonly jsDoc?: { readonly doc?: string; readonly tags?: readonly { readonly doc?: string }[] };
    readonly def: { readonly elements?: readonly Described[] };
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

/** The names of a module's values, with dots. */
function valuesOf(module: object, prefix = ""): string[] {
  return Object.entries(module).flatMap(([name, value]) => {
    const isNamespace = value?.[Symbol.toStringTag] === "Module";
    return [`${prefix}${name}`, ...isNamespace ? valuesOf(value, `${prefix}${name}.`) : []];
  });
}

const entries: [module: URL, values: object][] = [
  [new URL("mod.ts", root), cotangent],
  [new URL("visual/mod.ts", root), visual],
  [new URL("onnx/mod.ts", root), onnx],
];

for (const [entry, values] of entries) {
  Deno.test(`deno doc ${entry.href.slice(root.href.length)} shows everything public`, async () => {
    const shown = new Map(flattened(await documentation(entry)));
    const members = await Promise.all(
      (await namespacesOf(entry)).map(async ([name, module]) =>
        (await documentation(module)).map((member) => `${name}.${member.name}`)
      ),
    );
    const missing = [...valuesOf(values), ...members.flat()].filter((name) => !shown.has(name));
    assert.deepEqual([...new Set(missing)], []);
    const silent = [...shown].filter(([, { declarations }]) => !declarations.some(({ jsDoc }) => jsDoc?.doc));
    assert.deepEqual(silent.map(([name]) => name), []);
    const plain = [...shown].filter(([, { declarations }]) =>
      declarations.some(({ kind }) => kind === "function") && !JSON.stringify(declarations).includes("```ts")
    );
    assert.deepEqual(plain.map(([name]) => name), []);
  });
}
