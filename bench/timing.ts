/**
 * How `bench:nets`, `bench:ops` and their peers take times: the first call, some calls that settle, then calls for some seconds.
 *
 * @module
 */
import process from "node:process";
import { median } from "./options.ts";

/** Fewest timed calls. */
const fewest = 5;

/** Milliseconds of the calls, and the most memory that the process had so far. */
export interface Timing {
  readonly msMedian: number;
  readonly msMin: number;
  readonly firstMs: number;
  readonly peakMB: number;
}

/** Times calls of a function for some seconds after half as many of settling. */
export async function timeCalls(call: () => Promise<unknown>, seconds: number): Promise<Timing> {
  const timed = async (): Promise<number> => {
    const start = performance.now();
    await call();
    return performance.now() - start;
  };
  const many = async (until: number, least: number): Promise<number[]> => {
    const times: number[] = [];
    for (let left = until * 1e3; left > 0 || times.length < least; left -= times.at(-1)!) times.push(await timed());
    return times;
  };
  const firstMs = await timed();
  await many(seconds / 2, 1);
  const times = await many(seconds, fewest);
  const round = (x: number) => Number(x.toPrecision(4));
  return {
    msMedian: round(median(times)),
    msMin: round(Math.min(...times)),
    firstMs: round(firstMs),
    peakMB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}
