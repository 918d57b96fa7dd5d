/**
 * The conformance suite of ONNX on every device, and docs/onnx.md, which says what passes. Debian has the suite: apt install
 * libonnx-testdata.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type DeviceName } from "../../mod.ts";
import { casesIn, type Outcome, runCase, suiteFolder } from "../onnx/suite.ts";
import { elementNames } from "../../onnx/elements.ts";
import { ops } from "../../onnx/ops/mod.ts";
import { deviceNames } from "../support/each_device.ts";

const folders = ["node", "pytorch-converted", "pytorch-operator", "simple"];

/** How many cases must pass at least. */
const least: Readonly<Record<DeviceName, Readonly<Record<string, number>>>> = {
  reference: { node: 890, "pytorch-converted": 82, "pytorch-operator": 35, simple: 17 },
  wasm: { node: 892, "pytorch-converted": 82, "pytorch-operator": 35, simple: 17 },
  webgpu: { node: 856, "pytorch-converted": 82, "pytorch-operator": 30, simple: 16 },
};

type Outcomes = ReadonlyMap<string, Outcome>;

const results = new Map<DeviceName, Map<string, Outcomes>>();

for (const device of deviceNames) {
  for (const folder of folders) {
    const cases = casesIn(folder);
    Deno.test(`the conformance suite, ${folder} (${device})`, { ignore: cases.length === 0 }, async () => {
      const outcomes = new Map<string, Outcome>();
      for (const name of cases) outcomes.set(name, await runCase(`${suiteFolder}/${folder}/${name}`, device));
      results.set(device, (results.get(device) ?? new Map()).set(folder, outcomes));
      const failed = [...outcomes].flatMap(([name, each]) => each.kind === "failed" ? [`${name}: ${each.why}`] : []);
      const passed = count(outcomes, "passed");
      assert.ok(passed >= least[device][folder], `${passed} of ${cases.length} passed; these failed:\n${failed.join("\n")}`);
    });
  }
}

Deno.test("docs/onnx.md says what passes", { ignore: casesIn("node").length === 0 }, async () => {
  assert.equal(results.size, deviceNames.length);
  const path = new URL("../../docs/onnx.md", import.meta.url).pathname;
  await Deno.writeTextFile(path, page());
  await new Deno.Command(Deno.execPath(), { args: ["fmt", path] }).output();
});

function count(outcomes: Outcomes, kind: Outcome["kind"]): number {
  return [...outcomes.values()].filter((each) => each.kind === kind).length;
}

function page(): string {
  const header = `| folder | cases | ${deviceNames.join(" | ")} |\n| --- | --- | ${deviceNames.map(() => "---").join(" | ")} |`;
  const rows = folders.map((folder) => {
    const passed = deviceNames.map((device) => count(results.get(device)!.get(folder)!, "passed"));
    return `| ${folder} | ${casesIn(folder).length} | ${passed.join(" | ")} |`;
  });
  const oracle = results.get("wasm")!;
  const others = folders.flatMap((folder) => [...oracle.get(folder)!].filter(([, { kind }]) => kind !== "passed"));
  const byReason = Map.groupBy(others, ([, outcome]) => reasonOf(outcome));
  const reasons = [...byReason].sort().map(([reason, cases]) =>
    `| ${reason} | ${cases.map(([name]) => `\`${name}\``).join(" ")} |`
  );
  return `# ONNX

What \`onnx.load\` understands, by the conformance suite of ONNX (Debian's \`libonnx-testdata\`). This page is written by
\`deno task test:long\`. Models of op sets up to 23 are read; the suite has those up to 17.

## Cases that pass

${header}
${rows.join("\n")}

On \`webgpu\` there is no f64; the suite has cases of it.

## Ops

${Object.keys(ops).sort().map((name) => `\`${name}\``).join(" ")}

Functions that a model defines are written out. Elements may be of ${
    elementNames.join(", ")
  }; those of int4, int8, int16 and int64
become i32, those of uint4 u8, those of uint16 and uint64 u32. Dropout does nothing; nothing random is supported, nor are texts.

## Cases that do not

On \`wasm\`:

| why | cases |
| --- | --- |
${reasons.join("\n")}
`;
}

/** The reason without the path and the case's own name. */
function reasonOf(outcome: Outcome): string {
  if (outcome.kind === "passed") return "";
  const why = outcome.why.replace(/^.*it has what is not supported: /, "not supported: ").replaceAll(
    / ?\(?(the node of )?"[^"]*"\)?/g,
    "",
  );
  return why.replaceAll("|", "\\|").replaceAll("\n", " ").replace(/[ ,;:]+$/, "");
}
