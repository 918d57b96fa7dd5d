/**
 * Who may import whom: one way only, so that each part can be read, tested and replaced knowing only what lies below it. Imports of types
 * count, examples in documentation do not.
 *
 * @module
 */
import assert from "node:assert/strict";

/**
 * The parts of the project, a file or a folder each, from the ground up. A file imports from its own part and from the layers below; parts
 * of one layer do not know each other. Mathematics comes before machines, and nothing below knows what it is used for.
 */
const layers: readonly (readonly string[])[] = [
  ["deps.ts", "core/words.ts", "core/hash.ts", "core/spelling.ts", "core/quoted.ts", "core/runtime.ts"],
  ["core/errors.ts", "core/or_throw.ts"],
  ["core/permissions.ts", "core/whole_file.ts", "core/locked_folder.ts"],
  [
    "core/dtype.ts",
    "core/shape.ts",
    "core/ranges.ts",
    "core/env.ts",
    "core/threefry.ts",
    "core/with_args.ts",
  ],
  ["core/random_stream.ts", "core/traced_number.ts"],
  ["core/ir"],
  ["core/tensor.ts"],
  ["core/kinds.ts"],
  ["core/options.ts"],
  ["core/tree.ts", "core/walk.ts"],
  ["core/mask.ts"],
  ["core/values"],
  ["core/ops"],
  ["core/random.ts"],
  ["core/grad", "core/compile"],
  ["core/devices"], // what devices share; the folder of each is a part of its own
  ["core/devices/wasm", "core/devices/webgpu", "core/devices/reference"],
  ["core/notebook"], // loaded when a notebook shows something
  ["core/execution"],
  ["layers", "linalg", "optimizers", "datasets", "formats", "distributed"],
  ["mod.ts"],
  ["visual", "onnx"],
  ["dev_deps.ts"],
  ["examples"],
  ["site"],
  ["bench"],
];

/** What devices may see of the layers below: programs and values. What these compute for, a device need not know. */
const forDevices: readonly string[] = [...layers.slice(0, 4).flat(), "core/ir", "core/values", "core/devices"];

/** Where packages come in: who changes a version or a registry changes it there. */
const doors: readonly string[] = [
  "deps.ts",
  "dev_deps.ts",
  "core/notebook/deps.ts",
  "datasets/images/codecs.js",
  "datasets/images/deps.ts",
  "datasets/tables/deps.ts",
  "examples/browser/deps.ts",
  "formats/deps.ts",
  "onnx/deps.ts",
  "site/deps.ts",
  "visual/deps.ts",
];

/** What each file imports, in order. */
type Imports = ReadonlyMap<string, readonly string[]>;

/** The part a file belongs to: the longest that fits. */
function partOf(file: string): string | undefined {
  const fitting = layers.flat().filter((part) => file === part || file.startsWith(`${part}/`));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

/** Why a file may not import another, or undefined if it may. */
function objection(from: string, to: string): string | undefined {
  const [user, used] = [partOf(from), partOf(to)];
  if (used === undefined || user === undefined) return `${used === undefined ? to : from} is in no layer`;
  if (user === used) return undefined;
  const height = (part: string) => layers.findIndex((layer) => layer.includes(part));
  if (height(used) > height(user)) return `${used} is above ${user}`;
  if (height(used) === height(user)) return `${used} and ${user} are side by side`;
  if (user.startsWith("core/devices") && !forDevices.includes(used)) return `devices do not know ${used}`;
  return undefined;
}

/** The shortest way from one file to another along imports, both included. */
function chain(imports: Imports, from: string, to: string): readonly string[] | undefined {
  const ways: string[][] = [[from]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of imports.get(way.at(-1)!) ?? []) {
      if (next === to) return [...way, next];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

const show = (files: readonly string[]) => files.join(" -> ");

/** Every arrow against the order, with the way back if it closes a circle. */
function againstOrder(imports: Imports): string[] {
  return [...imports].flatMap(([from, used]) =>
    used.flatMap((to) => {
      const why = objection(from, to);
      return why === undefined ? [] : [`${show([from, ...chain(imports, to, from) ?? [to]])} (${why})`];
    })
  );
}

/** Files that import each other, directly or through others: maximal groups, each sorted. */
function circles(imports: Imports): string[][] {
  const reach = new Map<string, Set<string>>();
  for (const file of imports.keys()) {
    const reached = new Set(imports.get(file));
    for (const each of reached) for (const next of imports.get(each) ?? []) reached.add(next);
    reach.set(file, reached);
  }
  const groups = [...imports.keys()].filter((file) => reach.get(file)!.has(file)).map((file) =>
    [...reach.get(file)!].filter((other) => reach.get(other)?.has(file)).sort()
  );
  return [...new Map(groups.map((group) => [group.join(), group])).values()];
}

const root = new URL("../", import.meta.url);

/** The files of the project, those of tests left out. */
async function sources(): Promise<string[]> {
  const found: string[] = [];
  const visit = async (path: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(path, root))) {
      if (isDirectory) await visit(`${path}${name}/`);
      else if (name.endsWith(".ts")) found.push(`${path}${name}`);
    }
  };
  const tops = new Set(layers.flat().map((part) => part.split("/")[0]));
  for (const top of tops) {
    if (top.endsWith(".ts")) found.push(top);
    else await visit(`${top}/`);
  }
  return found.sort();
}

const files = await sources();

/** An import: what is named, and whether running the file loads it, at once or when it is needed, which a type alone does not. */
interface Arrow {
  readonly to: string;
  readonly loads: boolean;
  readonly isLate: boolean;
}

/** What Deno itself says that each file imports: files by their path from the root, others unchanged. */
async function readImports(): Promise<Map<string, Arrow[]>> {
  const all = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(all, files.map((file) => `import ${JSON.stringify(new URL(file, root).href)};\n`).join(""));
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", "deno.json", all],
      cwd: root,
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const named = (specifier: string) => specifier.startsWith(root.href) ? specifier.slice(root.href.length) : specifier;
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
      modules: {
        specifier: string;
        dependencies?: { specifier: string; isDynamic?: boolean; code?: { specifier: string }; type?: { specifier: string } }[];
      }[];
    };
    return new Map(
      modules.map(({ specifier, dependencies = [] }) => [
        named(specifier),
        dependencies.flatMap(({ code, type, isDynamic = false }) =>
          [code, type].flatMap((to) => to ? [{ to: named(to.specifier), loads: to === code, isLate: isDynamic }] : [])
        ),
      ]),
    );
  } finally {
    await Deno.remove(all);
  }
}

const arrows = await readImports();
const everything: Imports = new Map([...arrows].map(([file, used]) => [file, used.map(({ to }) => to)]));
const isOurs = (file: string) => everything.has(file) && !file.includes(":");
const imports: Imports = new Map(files.map((file) => [file, [...new Set(everything.get(file))].filter(isOurs)]));

Deno.test("imports run one way", () => {
  assert.ok(files.length > 200 && imports.get("core/ir/kernel.ts")?.includes("core/dtype.ts"), "the graph of imports is read");
  const found = againstOrder(imports);
  assert.ok(found.length === 0, `Against the order of imports:\n${found.join("\n")}`);
});

Deno.test("docs/architecture.md shows the same order", async () => {
  const page = await Deno.readTextFile(new URL("docs/architecture.md", root));
  const [, block] = page.match(/^```\n(bench\n.*?)^```$/ms)!;
  const shown = block.trimEnd().split("\n").map((line) => line.split(/ {2,}/)[0].split(" | "));
  assert.deepEqual(shown.map((parts) => parts.sort()), layers.map((parts) => [...parts].sort()).reverse());
});

Deno.test("no files import each other in a circle", () => {
  const chains = circles(imports).map((group) =>
    `${show(chain(imports, group[0], group[0])!)} (of ${group.length}: ${group.join(", ")})`
  );
  assert.ok(chains.length === 0, `Circles of imports:\n${chains.join("\n")}`);
});

Deno.test("an arrow that is turned around is found, with the circle it closes", () => {
  const turned: Imports = new Map([
    ["core/shape.ts", ["core/errors.ts", "core/ir/kernel.ts"]],
    ["core/ir/kernel.ts", ["core/ir/expr.ts"]],
    ["core/ir/expr.ts", ["core/shape.ts"]],
    ["core/grad/vjp.ts", ["core/compile/graph.ts", "core/tensor.ts"]],
    ["core/devices/wasm/device.ts", ["core/ops/unary.ts", "core/devices/profile.ts", "core/devices/webgpu/buffer.ts"]],
    ["layers/new.ts", ["visual/mod.ts", "unheard_of/mod.ts"]],
  ]);
  assert.deepEqual(againstOrder(turned), [
    "core/shape.ts -> core/ir/kernel.ts -> core/ir/expr.ts -> core/shape.ts (core/ir is above core/shape.ts)",
    "core/grad/vjp.ts -> core/compile/graph.ts (core/compile and core/grad are side by side)",
    "core/devices/wasm/device.ts -> core/ops/unary.ts (devices do not know core/ops)",
    "core/devices/wasm/device.ts -> core/devices/webgpu/buffer.ts (core/devices/webgpu and core/devices/wasm are side by side)",
    "layers/new.ts -> visual/mod.ts (visual is above layers)",
    "layers/new.ts -> unheard_of/mod.ts (unheard_of/mod.ts is in no layer)",
  ]);
  assert.deepEqual(circles(turned), [["core/ir/expr.ts", "core/ir/kernel.ts", "core/shape.ts"]]);
});

Deno.test("no program loads files that hold types only: they are named by `import type` and `export type`", async () => {
  const isOfTypes = new Set<string>();
  for (const file of files) {
    const statements = (await Deno.readTextFile(new URL(file, root))).match(/^[a-z].*/gm) ?? [];
    if (statements.every((line) => /^(import|(export )?(type|interface)) /.test(line))) isOfTypes.add(file);
  }
  assert.ok(isOfTypes.size > 20 && isOfTypes.has("datasets/loader/types.ts"), "files of types are known");
  const loaded = [...arrows].flatMap(([file, used]) =>
    used.flatMap(({ to, loads }) => isOurs(file) && loads && isOfTypes.has(to) ? [show([file, to])] : [])
  );
  assert.deepEqual(loaded, []);
});

Deno.test("mod.ts loads no more than it needs: of packages those of deps.ts, and nothing of notebooks", () => {
  const loaded = new Set(["mod.ts"]);
  for (const file of loaded) {
    for (const { to, loads, isLate } of arrows.get(file) ?? []) if (loads && !isLate) loaded.add(to);
  }
  assert.ok(loaded.has("core/execution/print.ts") && loaded.has("layers/mod.ts"), "the graph of imports is read");
  const packages = arrows.get("deps.ts")!.map(({ to }) => to);
  const others = [...loaded].filter((file) =>
    isOurs(file) ? file.startsWith("core/notebook/") : /^npm:/.test(file) && !packages.includes(file)
  );
  assert.deepEqual(others, []);
});

Deno.test("packages come in by the files of dependencies only", () => {
  for (const [file, used] of everything) {
    const outside = used.filter((each) => /^(npm|jsr|https?):/.test(each));
    if (isOurs(file) && !doors.includes(file)) assert.deepEqual(outside, [], file);
  }
});

Deno.test("the lock file has what the doors name, and no more: all of it is downloaded by whoever runs an example", async () => {
  const read = (file: string) => Deno.readTextFile(new URL(file, root));
  const named = (await Promise.all([...doors, "tests/visual/deps.ts"].map(read))).join("\n");
  const { specifiers } = JSON.parse(await read("deno.lock")) as { readonly specifiers: Readonly<Record<string, string>> };
  const others = Object.keys(specifiers).filter((specifier) => !named.includes(specifier));
  assert.deepEqual(others, []);
});

/** What only some files below the examples may call, and what the others do instead. */
const reserved: readonly { readonly call: string; readonly files: readonly string[]; readonly instead: string }[] = [
  { call: "Math.random", files: [], instead: "take a key" },
  { call: "permissions.query", files: ["core/permissions.ts"], instead: "use core/permissions.ts" },
  { call: "Deno.rename", files: ["core/whole_file.ts", "datasets/part.ts"], instead: "use core/whole_file.ts" },
  { call: ".lock(", files: ["core/locked_folder.ts"], instead: "use core/locked_folder.ts" },
];

Deno.test("below the examples nothing draws from Math.random, and permissions, locks and renames have one file", async () => {
  for (const file of files) {
    if (file.startsWith("examples/") || file.startsWith("bench/")) continue;
    const text = await Deno.readTextFile(new URL(file, root));
    const used = reserved.filter(({ call }) => text.includes(call));
    for (const { call, files, instead } of used) assert.ok(files.includes(file), `${file} uses ${call}: ${instead} instead`);
  }
});
