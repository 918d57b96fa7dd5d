/**
 * Attention as one op, and the rotation of queries and keys by their positions.
 *
 * @module
 */
import {
  add,
  arange,
  concat,
  div,
  expandDims,
  ge,
  matmul,
  mul,
  permute,
  repeat,
  reshape,
  slice,
  softmax,
  split,
  stack,
  sub,
  take,
  tanh,
  type Tensor,
  where,
} from "../../mod.ts";
import type { Call, OpTable, Results } from "../call.ts";

/** [batch, time, heads * features] as [batch, heads, time, features]; what has four axes is so already. */
function headsApart(call: Call, i: number, attribute: string): Tensor {
  const x = call.computed(i);
  if (x.rank === 4) return x;
  const [batch, time, width] = call.ranked(i, 3);
  const heads = call.attributes.number(attribute);
  return permute(reshape(x, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
}

function headsTogether(x: Tensor): Tensor {
  const [batch, heads, time, features] = x.shape;
  return reshape(permute(x, [0, 2, 1, 3]), [batch, time, heads * features]);
}

// softmax(cap(scale q k^T) + mask) v, with keys and values of earlier steps in front, and fewer of their heads than of the queries'
function attention(call: Call): Results {
  const { attributes } = call;
  const q = headsApart(call, 0, "q_num_heads");
  const behind = (i: number, x: Tensor) => call.has(i) ? concat([call.computed(i), x], { axis: 2 }) : x;
  const keys = behind(4, headsApart(call, 1, "kv_num_heads"));
  const values = behind(5, headsApart(call, 2, "kv_num_heads"));
  const groups = q.shape[1] / keys.shape[1];
  const [k, v] = [keys, values].map((x) => groups === 1 ? x : repeat(x, groups, { axis: 1 }));
  const root = Math.sqrt(attributes.number("scale", 1 / Math.sqrt(q.shape[3])));
  const products = matmul(mul(q, root), permute(mul(k, root), [0, 1, 3, 2]));
  const cap = attributes.number("softcap", 0);
  const capped = cap > 0 ? mul(tanh(div(products, cap)), cap) : products;
  const masked = maskedBy(call, capped);
  const weights = softmax(masked, { axis: -1 });
  const mixed = matmul(weights, v);
  const shown = [products, masked, capped, weights][attributes.number("qk_matmul_output_mode", 0)];
  const y = call.shape(0).length === 3 ? headsTogether(mixed) : mixed;
  return [y, keys, values, shown].map((each) => each && call.like(0, each));
}

function maskedBy(call: Call, products: Tensor): Tensor {
  const [, , steps, length] = products.shape;
  const before = length - steps;
  const causal = call.attributes.flag("is_causal", false)
    ? ge(expandDims(add(arange(steps), call.has(4) ? before : 0), { axis: 1 }), arange(length))
    : undefined;
  const past = causal ? where(causal, products, -Infinity) : products;
  if (!call.has(3)) return past;
  const mask = call.tensor(3);
  return mask.dtype === "bool" ? where(mask, past, -Infinity) : add(past, mask);
}

// Pairs of features are turned by angles: (a cos - b sin, a sin + b cos).
function rotary(call: Call): Tensor {
  const { attributes } = call;
  const isFlat = call.shape(0).length === 3;
  const x = headsApart(call, 0, "num_heads");
  const width = attributes.number("rotary_embedding_dim", 0) || x.shape[3];
  const angles = (i: number) => {
    const cache = call.has(3) ? take(call.computed(i), call.computed(3)) : call.computed(i);
    return expandDims(slice(cache, { axis: -1, stop: width / 2 }), { axis: 1 });
  };
  const [cos, sin] = [angles(1), angles(2)];
  const [turning, rest] = split(x, [width, x.shape[3] - width], { axis: 3 });
  const interleaved = attributes.flag("interleaved", false);
  const [a, b] = interleaved
    ? [0, 1].map((start) => slice(turning, { axis: 3, start, step: 2 }))
    : split(turning, 2, { axis: 3 });
  const turned = [sub(mul(a, cos), mul(b, sin)), add(mul(a, sin), mul(b, cos))];
  const joined = interleaved ? reshape(stack(turned, { axis: 4 }), turning.shape) : concat(turned, { axis: 3 });
  const y = concat([joined, rest], { axis: 3 });
  return call.like(0, isFlat ? headsTogether(y) : y);
}

/** What these ops do. */
export const attentions: OpTable = { Attention: attention, RotaryEmbedding: rotary };
