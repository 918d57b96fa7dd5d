/**
 * Errors by the facts they hold, whatever their sentence.
 *
 * @module
 */
import assert from "node:assert/strict";

/** That an error is of a class and holds certain facts. */
export function withFacts(
  kind: new (...args: never[]) => Error & { readonly facts: object },
  facts: object,
): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof kind, `${error}`);
    for (const [key, value] of Object.entries(facts)) {
      assert.deepEqual((error.facts as Record<string, unknown>)[key], value, `${key} of: ${error.message}`);
    }
    return true;
  };
}
