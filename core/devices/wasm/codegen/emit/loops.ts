/**
 * Loops beyond the counting loop of `FunctionWriter`.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";

/** Calls `body` with what repeats `count` times in steps of `unroll`, then with the rest: `body(unrolled steps)`. */
export function unrolled(c: FunctionWriter, counter: number, count: number, unroll: number, body: (steps: number) => void): void {
  const rounds = Math.floor(count / unroll);
  if (rounds === 1) body(unroll);
  else if (rounds > 1) c.for(counter, 0, rounds, 1, () => body(unroll));
  if (count % unroll > 0) body(count % unroll);
}

/** Repeats a body while a test holds, or does it at most once. */
export function repeatWhile(c: FunctionWriter, test: () => void, once: boolean, body: () => void): void {
  test();
  c.if(() => {
    if (once) body();
    else {
      c.loop(() => {
        body();
        test();
        c.brIf(0);
      });
    }
  });
}

/**
 * Sets local `row` to the first of some rows (of a range of locals, or of all), and after `begin` repeats `body`, which moves it
 * on.
 */
export function eachRow(
  c: FunctionWriter,
  row: number,
  range: { readonly from: number; readonly to: number } | undefined,
  rows: number,
  body: () => void,
  begin = () => {},
): void {
  if (range) c.get(range.from).set(row);
  else c.i32(0).set(row);
  begin();
  const more = () => {
    c.get(row);
    if (range) c.get(range.to);
    else c.i32(rows);
    c.op("i32.lt_s");
  };
  repeatWhile(c, more, rows === 1, body);
}
