/**
 * Visits the page of `examples/browser` as its users do, and prints what they see: a JSON object for each visit. A program of its own,
 * as `chromium.ts` says.
 *
 * @module
 */
import { buildPage } from "../../examples/browser/build.ts";
import { servePage } from "../../examples/browser/server.ts";
import { type Browser, drawThree, openBrowser, type Page } from "./chromium.ts";

/** What was seen of a training. */
export interface SeenTraining {
  readonly isolated: boolean;
  /** What the page says of its device, when it has paused. */
  readonly status: string;
  /** In percent. */
  readonly accuracy: number;
  readonly loss: number;
  /** Milliseconds from the start of loading the page to the first step. */
  readonly firstStep: number;
  /** As what the digit was read that was drawn by mouse: a three. */
  readonly drawn: string;
  /** As what the digit was read that a key wrote: a seven. */
  readonly written: string;
  /** How many of a hundred digits are read wrong, as the page says. */
  readonly wrong: string;
  /** Digits seen when it was paused, and some time later; and after a reset. */
  readonly seen: readonly [paused: number, later: number, reset: number];
}

/** What was seen of the console: what each piece of code showed. */
export interface SeenConsole {
  readonly shown: readonly string[];
  /** What it holds beside text. */
  readonly charts: number;
  readonly tables: readonly string[];
  readonly pictures: number;
}

/** A visit, and the errors that the browser reported during it. */
export type Visit<S> = S & { readonly errors: readonly string[] };

/** Milliseconds that anything may take: other tests run beside this one. */
const patience = 180_000;

const numberIn = (text: string) => Number(text.replace(/[^\d.]/g, ""));

/** Opens the page of a folder; `look` is what happens there. */
async function visit<S>(
  browser: Browser,
  folder: string,
  { isolated, address }: { isolated: boolean; address: string },
  look: (page: Page) => Promise<S>,
): Promise<Visit<S>> {
  await using server = servePage(folder, { port: 0, isolated });
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", ({ message }) => errors.push(message));
  await page.goto(`http://localhost:${server.addr.port}/${address}`);
  const seen = await look(page);
  await context.close();
  return { ...seen, errors };
}

/** Waits until a condition holds of what the page says. */
const until = (page: Page, condition: string) => page.waitForFunction(condition, undefined, { timeout: patience });

const numberOf = (id: string) => `Number(document.getElementById("${id}").textContent.replace(/[^\\d.]/g, ""))`;

/** Two in a hundred more than is asked for: the next report, before the page has paused, may be a little worse. */
const accurate = `${numberOf("accuracy")} >= 97 && document.getElementById("digit").textContent === "3"`;

/** Trains until it has learned, with a three drawn meanwhile, then pauses, writes a seven, and begins anew. */
async function train(page: Page): Promise<SeenTraining> {
  const text = (id: string) => page.locator(`#${id}`).innerText();
  await until(page, `performance.getEntriesByName("first step").length > 0`);
  await drawThree(page);
  await until(page, accurate);
  await page.locator("#run").click();
  await until(page, `document.getElementById("status").textContent.startsWith("Paused")`);
  const paused = numberIn(await text("seen"));
  const seen = {
    isolated: await page.evaluate<boolean>("crossOriginIsolated"),
    status: await text("status"),
    accuracy: numberIn(await text("accuracy")),
    loss: numberIn(await text("loss")),
    firstStep: await page.evaluate<number>(`performance.getEntriesByName("first step")[0].startTime`),
    drawn: await text("digit"),
    wrong: await text("wrong-count"),
  };
  await page.locator("#drawing").focus();
  await page.keyboard.press("7");
  await page.waitForTimeout(500);
  const [written, later] = [await text("digit"), numberIn(await text("seen"))];
  await page.locator("#reset").click();
  await until(page, `${numberOf("seen")} === 0`);
  return { ...seen, written, seen: [paused, later, numberIn(await text("seen"))] };
}

/** Code for the console, a piece at a time. */
const typed = [
  "const x = tensor([[1, 2], [3, 4.5]]);",
  "matmul(x, x)",
  'import { grad as d } from "cotangent"; await item(d(sin)(tensor(0)))',
  "matmul(x, tensor([1, 2, 3]))",
  "console.log(1 + 1); [x.shape, { a: x.dtype }]",
  "lineChart({ series: { y: [1, 3, 2] } })",
  "arange(0, 100, { dtype: 'f32' }).shape, reshape(cast(arange(0, 100), 'f32'), [10, 10])",
  "display(layers.linear({ features: 3 }), { inputShape: [4] })",
  "layers.linear({ features: 3 }).init(random.key(0), [4]).params",
];

/** Types code at the prompt. */
async function type(page: Page): Promise<SeenConsole> {
  const shown: string[] = [];
  for (const code of typed) {
    await page.locator("#code").fill(code);
    await page.keyboard.press("Enter");
    await until(
      page,
      `document.querySelectorAll("#log section").length === ${shown.length + 1} &&
      document.getElementById("evaluate").textContent === "Run"`,
    );
    shown.push(
      await page.evaluate<string>(
        `[...document.querySelectorAll("#log section:last-child pre:not(.code, .time)")].map((line) => line.textContent).join("\\n")`,
      ),
    );
  }
  return {
    shown,
    charts: await page.evaluate<number>(`document.querySelectorAll("#log .ctg-chart path").length`),
    tables: await page.evaluate<string[]>(`[...document.querySelectorAll("#log .ctg-head")].map((head) => head.textContent)`),
    pictures: await page.evaluate<number>(`document.querySelectorAll("#log img").length`),
  };
}

/** The visits by name. */
const visits = {
  isolated: (browser: Browser, folder: string) => visit(browser, folder, { isolated: true, address: "" }, train),
  plain: (browser: Browser, folder: string) => visit(browser, folder, { isolated: false, address: "" }, train),
  webgpu: (browser: Browser, folder: string) => visit(browser, folder, { isolated: true, address: "?device=webgpu" }, train),
  console: (browser: Browser, folder: string) => visit(browser, folder, { isolated: true, address: "?start=no#console" }, type),
};

/** The name of a visit. */
export type VisitName = keyof typeof visits;

if (import.meta.main) {
  const folder = await Deno.makeTempDir();
  try {
    await buildPage(folder);
    const browser = await openBrowser();
    for (const name of Deno.args as VisitName[]) console.log(JSON.stringify(await visits[name](browser, folder)));
    await browser.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
