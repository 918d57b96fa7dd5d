/**
 * Running effects: at once where the device gives values without waiting, else when the values have come, and always in order.
 *
 * @module
 */
import type { HostArray } from "../dtype.ts";
import { Tensor } from "../tensor.ts";
import { deliverBy, type Effect, tensorsOf } from "../values/effects.ts";
import { Storage } from "../values/storage.ts";
import { computed, realizeNow } from "./realize.ts";

/** Settled when the effects that wait for values have run; undefined if none waits. */
let waiting: Promise<void> | undefined;

function deliver(effects: readonly Effect[]): void {
  realizeNow(tensorsOf(effects), "debug");
  for (const effect of effects) {
    const storages = effect.tensors.map((tensor) => computed(tensor, "debug"));
    const values = waiting ? undefined : heldNow(storages);
    if (values) effect.run(onHost(effect, values));
    else deliverLater(effect, storages);
  }
}

/** The values of all storages, if none has to be waited for. */
function heldNow(storages: readonly Storage[]): HostArray[] | undefined {
  const values: HostArray[] = [];
  for (const storage of storages) {
    const held = storage.heldNow();
    if (!held) return undefined;
    values.push(held);
  }
  return values;
}

/** Reads now, since the values may be given up later, and runs the effect after those before it. Its error stops the program. */
function deliverLater(effect: Effect, storages: readonly Storage[]): void {
  const read = Promise.all(storages.map((storage) => storage.read()));
  // If it fails before its turn: that is when it is told.
  read.catch(() => {});
  const turn = (waiting ?? Promise.resolve()).then(() => read).then((values) => effect.run(onHost(effect, values)));
  const done = turn.finally(() => {
    if (waiting === done) waiting = undefined;
  });
  waiting = done;
}

/** Tensors of values on the host that stand for those of an effect. */
function onHost({ tensors }: Effect, values: readonly HostArray[]): Tensor[] {
  return tensors.map(({ shape, dtype, weak }, i) => new Tensor(shape, dtype, Storage.ofHost(dtype, values[i], false), weak));
}

deliverBy(deliver);
