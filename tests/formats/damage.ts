/**
 * Files that are cut short or changed in a few places.
 *
 * @module
 */
import { fc } from "../../dev_deps.ts";

/** Damaged copies of a file. */
export function damages(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat({ max: file.length - 1 });
  const cut = fc.nat({ max: file.length }).map((length) => file.slice(0, length));
  const changed = fc.array(fc.tuple(place, fc.nat({ max: 255 })), { minLength: 1, maxLength: 5 }).map((changes) => {
    const copy = file.slice();
    for (const [at, byte] of changes) copy[at] = byte;
    return copy;
  });
  const removed = fc.tuple(place, fc.integer({ min: 1, max: 9 })).map(([at, count]) =>
    Uint8Array.of(...file.subarray(0, at), ...file.subarray(at + count))
  );
  return fc.oneof(cut, changed, removed);
}
