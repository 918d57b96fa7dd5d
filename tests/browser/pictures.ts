/**
 * Makes the pictures of `examples/browser` that the documentation shows: `deno run -A --no-lock tests/browser/pictures.ts`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { buildPage } from "../../examples/browser/build.ts";
import { servePage } from "../../examples/browser/server.ts";
import { type Browser, drawThree, openBrowser, type Page } from "./chromium.ts";

const pictures = fileURLToPath(new URL("../../docs/pictures", import.meta.url));

const desk = { viewport: { width: 1200, height: 1180 } };
const phone = { viewport: { width: 390, height: 1180 }, isMobile: true, hasTouch: true };

/** Opens the page, does something there, and keeps a picture of it. */
async function picture(browser: Browser, address: string, name: string, options: object, act: (page: Page) => Promise<void>) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(address);
  await act(page);
  const session = await context.newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82 });
  await Deno.writeFile(`${pictures}/${name}.webp`, Uint8Array.fromBase64(data));
  await context.close();
}

/** Trains until most is read right, and draws a three. */
async function train(page: Page): Promise<void> {
  await page.waitForFunction(`parseFloat(document.getElementById("accuracy").textContent) >= 95`);
  await drawThree(page);
  await page.waitForFunction(`document.getElementById("digit").textContent === "3"`);
  await page.waitForTimeout(600);
  await page.locator("#run").click();
  await page.waitForTimeout(900);
}

/** Runs two of the console's examples. */
async function type(page: Page): Promise<void> {
  for (
    const code of [
      "const x = tensor([[1, 2], [3, 4.5]]);",
      "matmul(x, x)",
      "layers.linear({ features: 8 }).init(random.key(0), [20]).params",
    ]
  ) {
    await page.locator("#code").fill(code);
    await page.keyboard.press("Enter");
    await page.waitForFunction(`document.getElementById("evaluate").textContent === "Run"`);
  }
  for (const number of [1, 4]) {
    await page.locator(`#examples button:nth-child(${number})`).click();
    await page.waitForFunction(`document.getElementById("evaluate").textContent === "Run"`);
  }
  await page.waitForTimeout(500);
}

const folder = await Deno.makeTempDir();
await buildPage(folder);
await Deno.mkdir(pictures, { recursive: true });
const browser = await openBrowser();
try {
  await using server = servePage(folder, { port: 0, isolated: true });
  const address = `http://localhost:${server.addr.port}/`;
  await picture(browser, address, "page", { ...desk, colorScheme: "light" }, train);
  await picture(browser, address, "page_dark", { ...desk, colorScheme: "dark" }, train);
  await picture(browser, address, "page_phone", { ...phone, colorScheme: "light" }, train);
  await picture(browser, address, "page_phone_dark", { ...phone, colorScheme: "dark" }, train);
  await picture(browser, `${address}?start=no#console`, "page_console", { ...desk, colorScheme: "light" }, type);
} finally {
  await browser.close();
  await Deno.remove(folder, { recursive: true });
}
