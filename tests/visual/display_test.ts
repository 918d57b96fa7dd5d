/** Charts, pictures, models and parameters in notebooks. */
import assert from "node:assert/strict";
import { layers, ones, OptionError, random, relu, ShapeError, tensor, zeros } from "../../mod.ts";
import { display, type Displayed, imageFigure, imageGrid, jupyterDisplay, lineChart, type MimeBundle } from "../../visual/mod.ts";
import { elements } from "./svg.ts";

const shownBy = (shown: Displayed): Promise<MimeBundle> => shown[jupyterDisplay]();

/** The cells of a table in the markup, which must be well-formed. */
function rowsOf(bundle: MimeBundle): string[][] {
  const cells = elements(`<div>${bundle["text/html"]}</div>`, "td").map(({ text }) => text);
  const columns = elements(`<div>${bundle["text/html"]}</div>`, "th").length;
  return Array.from({ length: cells.length / columns }, (_, i) => cells.slice(i * columns, (i + 1) * columns));
}

Deno.test("a chart is shown as it is, and again in the colours of the notebook", async () => {
  const chart = lineChart({ series: { loss: [3, 2, 1.5] }, title: "A <loss> & more" });
  const bundle = await shownBy(display(chart));
  assert.deepEqual(Object.keys(bundle), ["text/plain", "text/html", "image/svg+xml"]);
  assert.equal(bundle["image/svg+xml"], chart);
  const [shown] = elements(`<div>${bundle["text/html"]}</div>`, "div").filter(({ role }) => role === "img");
  assert.equal(shown["aria-label"], "A <loss> & more");
  // The colours that are changed are those that charts have.
  for (const [, colour] of bundle["text/html"].matchAll(/\[stroke="(#\w+)"\]\{/g)) {
    if (colour !== "#fff") assert.ok(chart.includes(`stroke="${colour}"`), colour);
  }
  const figure = await imageFigure(ones([2, 8, 8]), { labels: ["a", "b"] });
  assert.equal(elements(`<div>${(await shownBy(display(figure)))["text/html"]}</div>`, "image").length, 2);
});

Deno.test("the bytes of PNG and JPEG files are pictures", async () => {
  const png = await imageGrid(random.uniform(random.key(0), [2, 4, 4]));
  const bundle = await shownBy(display(png));
  assert.deepEqual(Object.keys(bundle), ["text/plain", "text/html", "image/png"]);
  assert.deepEqual(Uint8Array.fromBase64(bundle["image/png"]), png);
  assert.ok("image/jpeg" in await shownBy(display(Uint8Array.of(0xff, 0xd8, 0xff))));
  assert.throws(
    () => display(Uint8Array.of(1, 2, 3)),
    /TypeError: Cannot display 3 bytes: they are neither a PNG nor a JPEG file/,
  );
});

const model = layers.serial({
  body: layers.serial({ fc: layers.linear({ features: 4 }), act: relu }),
  head: layers.linear({ features: 2 }),
});

Deno.test("a model is a table of its stages", async () => {
  const bundle = await shownBy(display(model, { inputShape: [3] }));
  assert.equal(bundle["text/plain"], layers.summary(model, [3]));
  assert.deepEqual(rowsOf(bundle), [
    ["body.fc", "linear", "[4]", "16"],
    ["body.act", "relu", "[4]", "0"],
    ["head", "linear", "[2]", "10"],
    ["total", "", "[2]", "26"],
  ]);
  assert.equal(rowsOf(await shownBy(display(model, { inputShape: [3], depth: 1 })))[0][0], "body");
});

Deno.test("a tree of tensors is a table of their statistics; a tensor shows itself", async () => {
  const bundle = await shownBy(
    display({ "a<b": tensor([1, 2]), list: [zeros([2, 2]), tensor([NaN, 1], { dtype: "f32" })], step: 3 }),
  );
  assert.deepEqual(rowsOf(bundle).map((row) => row.slice(0, 7)), [
    ["a<b", "f32", "[2]", "1.5", "0.5", "1", "2"],
    ["list.0", "f32", "[2, 2]", "0", "0", "0", "0"],
    ["list.1", "f32", "[2]", "1", "0", "1", "1"],
  ]);
  assert.match(bundle["text/html"], /3 tensors.*8 numbers, 32 bytes/);
  const own = await shownBy(display(tensor([1, 2])));
  assert.deepEqual(own, await shownBy(tensor([1, 2]) as unknown as Displayed));
});

Deno.test("what cannot be shown is refused where it is given", () => {
  assert.throws(() => display(model), (error) => error instanceof OptionError && /without inputShape/.test(error.message));
  assert.throws(() => display(model, { inputShape: [] }), ShapeError);
  assert.throws(
    () => display(zeros([2]), { inputShape: [2] }),
    /OptionError: Cannot display .* with inputShape: only models have one/,
  );
  for (const wrong of ["loss", "", {}, { step: 3 }, [], 3, null, new Float32Array(2)]) {
    assert.throws(() => display(wrong as object), /TypeError: Cannot display .*: it must be SVG text/);
  }
});
