/**
 * Witnesses: how a loop that never lets the event loop turn learns which of its values are unreachable.
 *
 * A callback of a FinalizationRegistry waits for a turn of the event loop. A WeakRef answers at once, but what one was made for, or has
 * answered with, stays reachable until the running job has ended, so that none made in a loop ever tells anything. Those that an earlier
 * job has made do: an object that only such a WeakRef refers to is given to what is to be watched, and collected with it. If it answers
 * instead, it is not asked again; another takes its place. There is a stock of them; whoever gets none is not watched.
 *
 * @module
 */

/** What is watched. */
export interface Watched {
  /** What else refers to it must be a WeakRef. */
  witness: Witness | undefined;
}

/** An object that is collected with what it was given to. */
interface Witness {
  watched: Watched | undefined;
}

/** Asks for a witness. */
export type Watch = WeakRef<Witness>;

/** Enough for loops over 100 GB in one job; they take 200 kB, and 2 ms of an import. */
const stockSize = 2048;

const stock: { readonly witness: Witness; readonly watch: Watch }[] = [];

/** Fills the stock up: of use to later jobs. */
export function fillStock(): void {
  while (stock.length < stockSize) {
    const witness: Witness = { watched: undefined };
    stock.push({ witness, watch: new WeakRef(witness) });
  }
}

fillStock();

/** Begins to watch; undefined if the stock is empty. */
export function watch(watched: Watched): Watch | undefined {
  const taken = stock.pop();
  if (!taken) return undefined;
  watched.witness = taken.witness;
  taken.witness.watched = watched;
  return taken.watch;
}

/** Whether what is watched has been collected: "unreachable", or how to go on watching it, if there is a way. */
export function ask(watching: Watch): "unreachable" | Watch | undefined {
  const witness = watching.deref();
  if (!witness) return "unreachable";
  const watched = witness.watched!;
  witness.watched = undefined;
  return watch(watched);
}
