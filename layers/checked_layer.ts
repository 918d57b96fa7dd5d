/**
 * Layers whose arguments are checked where they come in: `init` and `apply` are called by programs without type checking too.
 *
 * @module
 */
import { aRecord, argument, type Kind, kindOf, tensors } from "../core/kinds.ts";
import type { Key } from "../core/random.ts";
import { checkShape } from "../core/shape.ts";
import type { Layer, Mode } from "./layer.ts";

const aMode: Kind<Mode> = kindOf(
  "evalMode or trainMode(key)",
  (value) => typeof value === "object" && value !== null && "kind" in value && (value.kind === "train" || value.kind === "eval"),
);

const aKey: Kind<Key> = kindOf("a random key, made by random.key(seed)", tensors.holds);

/** The layer, whose functions check what they are called with. */
export function checkedLayer<P extends object, S extends object>(layer: Layer<P, S>): Layer<P, S> {
  const name = layer.kind === undefined || layer.kind === "" ? "a layer" : layer.kind;
  const [init, apply] = [`init of ${name}`, `apply of ${name}`];
  return {
    ...layer,
    init: (key, inputShape) => layer.init(argument(key, aKey, "key", init), checkShape(inputShape, `start ${name} for inputs`)),
    apply: (params, state, x, mode) => {
      argument(params, aRecord<P>(), "params", apply);
      argument(state, aRecord<S>(), "state", apply);
      return layer.apply(params, state, argument(x, tensors, "x", apply), argument(mode, aMode, "mode", apply));
    },
  };
}
