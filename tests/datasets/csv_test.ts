/** Tables of text: columns of every type, what is missing, and errors that name the line and the column. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { datasets } from "../../mod.ts";
import { fc } from "../../dev_deps.ts";
import { left, right, withFolder } from "./fixtures.ts";

const { batches, csv, loader, split } = datasets;

const flowers = `petal,sepal,color,count,species
1.5,.5,red,3,setosa
"4.75", 2e-1 ,blue,-7,versicolor
-1,+3.,"light, ""red""",0,setosa
`;

/** What is wrong with a table: its line and column, and words of the message. */
async function wrong(text: string, options: datasets.CsvOptions = {}) {
  const { line, column, message } = left(await csv({ text }, options)(), "Table");
  return [line, column, message] as const;
}

Deno.test("columns become features, categories and labels, by their types", async () => {
  const columns = { color: "category", count: "i32" } as const;
  const set = right(await csv({ text: flowers }, { label: "species", columns })());
  assert.deepEqual([...set.arrays.features], [1.5, .5, 4.75, Math.fround(.2), -1, 3]);
  assert.deepEqual([...set.arrays.categories], [2, 3, 0, -7, 1, 0]);
  assert.deepEqual([...set.arrays.labels], [0, 1, 0]);
  assert.deepEqual(set.shapes, { features: [2], categories: [2], labels: [] });
  assert.deepEqual([set.count, set.classNames, set.featureNames], [3, ["setosa", "versicolor"], ["petal", "sepal"]]);
  assert.deepEqual(set.categoryNames, [
    { column: "color", names: ["blue", 'light, "red"', "red"] },
    { column: "count", names: [] },
  ]);
  const numbers: datasets.CsvSet<{ label: "count"; columns: { count: "f32" } }> = right(
    await csv({ text: flowers }, { label: "count", columns: { count: "f32", color: "skip", species: "skip" } })(),
  );
  assert.ok(numbers.arrays.labels instanceof Float32Array && !("categories" in numbers.arrays));
  assert.deepEqual([...numbers.arrays.labels], [3, -7, 0]);
});

Deno.test("categories are in the order of their names, numbers by size, or in the order that is given", async () => {
  const labels = async (names: string[], type: datasets.ColumnType = "category") => {
    const set = right(await csv({ text: `y\n${names.join("\n")}` }, { label: "y", columns: { y: type } })());
    return [[...set.arrays.labels], set.classNames];
  };
  assert.deepEqual(await labels(["10", "9", "-1", "9"]), [[2, 1, 0, 1], ["-1", "9", "10"]]);
  assert.deepEqual(await labels(["b", "10", "a"]), [[2, 0, 1], ["10", "a", "b"]]);
  assert.deepEqual(await labels(["b", "a"], ["c", "b", "a"]), [[1, 2], ["c", "b", "a"]]);
  assert.deepEqual(await labels(["NA", "a"], ["NA", "a"]), [[0, 1], ["NA", "a"]]);
  assert.deepEqual(await labels(["constructor", "__proto__"]), [[1, 0], ["__proto__", "constructor"]]);
  const [line, column, message] = await wrong("y\na\nd\n", { columns: { y: ["a", "b"] } });
  assert.deepEqual([line, column], [3, "y"]);
  assert.match(message, /"d" is none of its categories \["a", "b"\] in line 3 \(column "y"\)$/);
});

Deno.test("tables without a header, with other delimiters, a byte order mark, empty lines and other ends of lines", async () => {
  const plain = right(await csv({ text: "\ufeff1;2\r\n\r\n3;4" }, { header: false, delimiter: ";", label: "1" })());
  assert.deepEqual([[...plain.arrays.features], [...plain.arrays.labels], plain.featureNames], [[1, 3], [0, 1], ["0"]]);
  const named = right(await csv({ text: "1\t2\n3\t4\n" }, { header: ["a", "b"], delimiter: "\t" })());
  assert.deepEqual([[...named.arrays.features], named.featureNames], [[1, 2, 3, 4], ["a", "b"]]);
  const odd = right(await csv({ text: "__proto__,constructor\n1,2\n" }, { columns: { ["__proto__"]: "i32" } })());
  assert.deepEqual([odd.featureNames, [...odd.arrays.features]], [["constructor"], [2]]);
});

Deno.test("what is missing is refused, left out with its row, or a number", async () => {
  const text = "a,b,y\n1,NA,x\n2,3,?\n4,5,z\n";
  assert.deepEqual((await wrong(text, { label: "y" })).slice(0, 2), [2, "b"]);
  const skipped = right(await csv({ text }, { label: "y", missing: "skip" })());
  assert.deepEqual([[...skipped.arrays.features], skipped.classNames, skipped.count], [[4, 5], ["z"], 1]);
  const filled = right(await csv({ text }, { columns: { y: "skip" }, missing: NaN })());
  assert.deepEqual([...filled.arrays.features], [1, NaN, 2, 3, 4, 5]);
  const [line, column, message] = await wrong(text, { label: "y", missing: 0 });
  assert.deepEqual([line, column], [3, "y"]);
  assert.match(message, /a category is missing, for which no number stands: use missing: "skip"/);
  assert.match(
    (await wrong(text, { columns: { b: "i32", y: "skip" }, missing: NaN }))[2],
    /NaN is no integer of 32 bits in line 2/,
  );
  assert.match((await wrong("a\n-\n", { missing: "skip", missingMarks: ["-"] }))[2], /each of its 1 rows lacks a value/);
  assert.deepEqual((await wrong(text, { label: "y", missingMarks: [] })).slice(0, 2), [2, "b"]);
});

Deno.test("what does not fit is named, with its line and its column", async () => {
  const cases: [text: string, options: datasets.CsvOptions, line: number | undefined, column: string | undefined, RegExp][] = [
    ["a,b\n1,2\n3,x\n", {}, 3, "b", /"x" is no number/],
    ["a\n0x10\n", {}, 2, "a", /"0x10" is no number/],
    ["a\n1e39\n", {}, 2, "a", /too large for f32/],
    ["a\n1.5\n", { columns: { a: "i32" } }, 2, "a", /no integer of 32 bits/],
    ["a\n2147483648\n", { columns: { a: "i32" } }, 2, "a", /no integer of 32 bits/],
    ["a,b\n1,2\n\n3,4,5\n", {}, 4, undefined, /expect 2, got 3/],
    ["a,b\n1\n", {}, 2, undefined, /expect 2, got 1/],
    ['a\n"1\n', {}, 2, undefined, /Quote Not Closed/],
    ['a\n"1"2\n', {}, 2, undefined, /Invalid Closing Quote/],
    ['a,b\n"x\ny",1\n', { columns: { a: "skip", b: "i32" }, label: "a" }, undefined, "a", /cannot be skipped/],
    ['a,b\n"x\ny",z\n', { columns: { a: "skip" } }, 3, "b", /"z" is no number/],
    ["a,a\n1,2\n", {}, 1, "a", /two columns have one name/],
    ["a,b\n1,2\n", { label: "c" }, undefined, "c", /no such column, but \["a", "b"\]/],
    ["a,b\n1,2\n", { columns: { c: "i32" } }, undefined, "c", /no such column/],
    ["1,2\n", { header: ["a"] }, 1, undefined, /1 columns are named, but there are 2/],
    ["", {}, undefined, undefined, /no rows/],
    ["a,b\n", {}, undefined, undefined, /no rows below/],
  ];
  for (const [text, options, line, column, reason] of cases) {
    const found = await wrong(text, options);
    assert.deepEqual(found.slice(0, 2), [line, column], found[2]);
    assert.match(found[2], reason);
  }
});

Deno.test("a file is read if it is there, permitted and UTF-8", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "t.csv");
    assert.equal(
      left(await csv(path)(), "NotFound").message,
      `Cannot find the table ${path}: give the path of a file that is there`,
    );
    await Deno.writeTextFile(path, "größe\n1\n");
    assert.deepEqual(right(await csv(path)()).featureNames, ["größe"]);
    await Deno.writeFile(path, Uint8Array.of(0x61, 0x0a, 0xff));
    assert.match(left(await csv(path)(), "Table").message, /is not text in UTF-8/);
    left(await csv(folder)(), "Read");
  });
});

Deno.test({
  name: "a table without permission asks for nothing, and names the flag",
  permissions: "none",
  fn: async () => assert.equal(left(await csv("t.csv")(), "Permission").flag, "--allow-read=t.csv"),
});

Deno.test("whatever numbers and names a table has, they are read as they were written", async () => {
  const name = fc.string({ unit: "grapheme", maxLength: 8 }).map((text) => `x${text.trim()}`);
  const quotedText = (text: string) => `"${text.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.float({ noNaN: true }), name), { minLength: 1, maxLength: 20 }), async (rows) => {
      const text = "a,y\n" + rows.map(([x, y]) => `${x},${quotedText(y)}\n`).join("");
      const { arrays, classNames } = right(await csv({ text }, { label: "y" })());
      // 0 is written as -0 is.
      assert.deepEqual([...arrays.features], rows.map(([x]) => x + 0));
      assert.deepEqual([...arrays.labels].map((label) => classNames[label]), rows.map(([, y]) => y));
    }),
    { numRuns: 60, seed: 1 },
  );
});

Deno.test("a table may have very many columns", async () => {
  const names = Array.from({ length: 60_000 }, (_, i) => `gene ${i}`);
  const columns = Object.fromEntries(names.map((name) => [name, "i32"] as const));
  const { arrays } = right(await datasets.csv({ text: `${names.join()}\n${names.map((_, i) => i).join()}\n` }, { columns })());
  assert.deepEqual([arrays.categories.length, arrays.categories[59_999]], [60_000, 59_999]);
});

Deno.test("a table is split, batched and loaded as any set of arrays", async () => {
  const text = "a,b,y\n" + Array.from({ length: 30 }, (_, i) => `${i},${i / 2},c${i % 3}\n`).join("");
  const set = right(await csv({ text }, { label: "y" })());
  const [train, validation] = split(set, { count: 6, key: 0, stratify: true });
  assert.deepEqual([train.count, [0, 1, 2].map((label) => validation.arrays.labels.filter((each) => each === label).length)], [
    24,
    [2, 2, 2],
  ]);
  const [{ features, labels, shapes }] = batches(set, { batchSize: 4 });
  assert.deepEqual([[...features], [...labels], shapes.features], [[0, 0, 1, .5, 2, 1, 3, 1.5], [0, 1, 2, 0], [4, 2]]);
  for await (const { count } of loader(train, { batchSize: 24, workers: 1 })) assert.equal(count, 24);
});
