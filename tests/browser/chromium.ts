/**
 * Chromium without a window, driven by playwright-core, and what a user does with the page of `examples/browser` by it.
 *
 * The package is not imported where it is seen before it runs, and not in the lock file (programs that load this file write none): it takes
 * 14 MB, and only they shall load it.
 *
 * @module
 */
const driver: string = "npm:playwright-core@1.64.1";

/** The parts of the driver's interface that are used. */
interface Driver {
  readonly chromium: { launch(options: { executablePath: string; args: readonly string[] }): Promise<Browser> };
}

/** A browser that runs. */
export interface Browser {
  newContext(options: ContextOptions): Promise<Context>;
  close(): Promise<void>;
}

/** What a reader has. */
export interface ContextOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly deviceScaleFactor?: number;
  readonly colorScheme?: "light" | "dark";
  readonly hasTouch?: boolean;
  readonly isMobile?: boolean;
}

interface Context {
  newPage(): Promise<Page>;
  newCDPSession(page: Page): Promise<{ send(method: string, options: object): Promise<{ data: string }> }>;
  close(): Promise<void>;
}

/** A page that is open. */
export interface Page {
  readonly mouse: {
    move(x: number, y: number, options?: { steps: number }): Promise<void>;
    down(): Promise<void>;
    up(): Promise<void>;
  };
  readonly keyboard: { press(key: string): Promise<void> };
  context(): Context;
  goto(address: string): Promise<unknown>;
  on(event: "console", listen: (message: { type(): string; text(): string }) => void): void;
  on(event: "pageerror", listen: (error: Error) => void): void;
  locator(selector: string): Locator;
  evaluate<T>(expression: string): Promise<T>;
  waitForFunction(expression: string, argument?: undefined, options?: { timeout: number }): Promise<unknown>;
  waitForTimeout(milliseconds: number): Promise<void>;
}

interface Locator {
  boundingBox(): Promise<{ x: number; y: number; width: number; height: number } | null>;
  innerText(): Promise<string>;
  fill(text: string): Promise<void>;
  click(): Promise<void>;
  focus(): Promise<void>;
}

/** Where Debian has the program. */
const program = "/usr/bin/chromium";

/** Whether there is one. */
export const hasBrowser: boolean = await Deno.stat(program).then(({ isFile }) => isFile, () => false);

/** Starts the browser. WebGPU may be a processor that acts as a GPU. */
export async function openBrowser(): Promise<Browser> {
  const { chromium }: Driver = await import(driver);
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--enable-unsafe-webgpu"];
  return await chromium.launch({ executablePath: program, args });
}

/** A three as one writes it, on a sheet whose sides are 1 long. */
const three: readonly (readonly [x: number, y: number])[] = [
  [0.34, 0.27],
  [0.42, 0.2],
  [0.53, 0.18],
  [0.63, 0.23],
  [0.66, 0.32],
  [0.62, 0.41],
  [0.5, 0.47],
  [0.63, 0.53],
  [0.7, 0.63],
  [0.67, 0.75],
  [0.57, 0.82],
  [0.44, 0.83],
  [0.33, 0.76],
];

/** Draws a three by mouse. */
export async function drawThree(page: Page): Promise<void> {
  const { x, y, width, height } = (await page.locator("#drawing").boundingBox())!;
  const [first, ...others] = three.map(([right, down]) => [x + right * width, y + down * height] as const);
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const point of others) await page.mouse.move(...point, { steps: 3 });
  await page.mouse.up();
}
