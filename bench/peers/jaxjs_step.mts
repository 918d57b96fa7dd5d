/**
 * jax-js's time for one jitted training step of the example networks, the loss read back.
 *
 * Run: deno run -A --no-config --no-lock jaxjs_step.mts wasm fcn,cnn,lenet,simple 64 20     (device, models, batch, steps)
 *
 * It is loaded by a specifier that is no literal, so that this project's lock and type check do not depend on it. `simple` has no
 * dropout here. Prints one JSON object per model.
 *
 * @module
 */
const specifier = "npm:@jax-js/jax@0.1.25";
const { defaultDevice, init, jit, lax, nn, numpy: np, random, tree, valueAndGrad } = await import(specifier);

/** What is used of its arrays; operations consume them unless `ref` is taken. */
interface Value {
  readonly ref: Value;
  readonly shape: number[];
  add(x: Value | number): Value;
  sub(x: Value | number): Value;
  mul(x: Value | number): Value;
  sum(): Value;
  reshape(shape: number[]): Value;
  jsAsync(): Promise<number>;
}
type Params = Record<string, Value>;
interface Network {
  init(): Params;
  apply(p: Params, x: Value): Value;
}

const [device = "wasm", names = "fcn,cnn,lenet,simple", batchText = "64", steps = "20"] = Deno.args;
await init(device);
defaultDevice(device);
const batch = Number(batchText);

const uniform = (key: number, shape: number[], fan: number): Value =>
  random.uniform(random.key(key), shape, { minval: -1 / Math.sqrt(fan), maxval: 1 / Math.sqrt(fan) });
const conv = (x: Value, w: Value, b: Value): Value => lax.convGeneralDilated(x, w, [1, 1], "VALID").add(b);
const pool = (x: Value): Value => lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
const linear = (x: Value, w: Value, b: Value): Value => np.dot(x, w).add(b);

const extents = [784, 512, 256, 128, 64, 10];
const networks: Record<string, Network> = {
  fcn: {
    init: () => {
      const p: Params = {};
      for (let i = 0; i < 5; i++) {
        p[`w${i}`] = uniform(i, [extents[i], extents[i + 1]], extents[i]);
        p[`b${i}`] = np.zeros([extents[i + 1]]);
      }
      return p;
    },
    apply: (p, x) => {
      let y = x.reshape([-1, 784]);
      for (let i = 0; i < 5; i++) {
        y = linear(y, p[`w${i}`], p[`b${i}`]);
        if (i < 4) y = nn.relu(y);
      }
      return nn.logSoftmax(y);
    },
  },
  cnn: {
    init: () => ({
      w1: uniform(1, [10, 1, 5, 5], 25),
      b1: np.zeros([10, 1, 1]),
      w2: uniform(2, [20, 10, 5, 5], 250),
      b2: np.zeros([20, 1, 1]),
      w3: uniform(3, [320, 10], 320),
      b3: np.zeros([10]),
    }),
    apply: (p, x) => {
      const first = nn.relu(pool(conv(x, p.w1, p.b1)));
      const second = nn.relu(pool(conv(first, p.w2, p.b2)));
      return nn.logSoftmax(linear(second.reshape([-1, 320]), p.w3, p.b3));
    },
  },
  simple: {
    init: () => ({
      w1: uniform(1, [32, 1, 3, 3], 9),
      b1: np.zeros([32, 1, 1]),
      w2: uniform(2, [64, 32, 3, 3], 288),
      b2: np.zeros([64, 1, 1]),
      w3: uniform(3, [9216, 128], 9216),
      b3: np.zeros([128]),
      w4: uniform(4, [128, 10], 128),
      b4: np.zeros([10]),
    }),
    apply: (p, x) => {
      const first = nn.relu(conv(x, p.w1, p.b1));
      const second = pool(nn.relu(conv(first, p.w2, p.b2)));
      const hidden = nn.relu(linear(second.reshape([-1, 9216]), p.w3, p.b3));
      return nn.logSoftmax(linear(hidden, p.w4, p.b4));
    },
  },
  lenet: {
    init: () => ({
      w1: uniform(1, [6, 1, 5, 5], 25),
      b1: np.zeros([6, 1, 1]),
      w2: uniform(2, [16, 6, 5, 5], 150),
      b2: np.zeros([16, 1, 1]),
      w3: uniform(3, [256, 120], 256),
      b3: np.zeros([120]),
      w4: uniform(4, [120, 84], 120),
      b4: np.zeros([84]),
      w5: uniform(5, [84, 10], 84),
      b5: np.zeros([10]),
    }),
    apply: (p, x) => {
      const first = pool(nn.sigmoid(conv(x, p.w1, p.b1)));
      const second = pool(nn.sigmoid(conv(first, p.w2, p.b2))).reshape([-1, 256]);
      const third = nn.sigmoid(linear(nn.sigmoid(linear(second, p.w3, p.b3)), p.w4, p.b4));
      return nn.logSoftmax(linear(third, p.w5, p.b5));
    },
  },
};

/** The middle and the least milliseconds of a network's step. */
async function timeSteps({ init, apply }: Network): Promise<{ msMedian: number; msMin: number }> {
  let p = init();
  let m: Params = Object.fromEntries(Object.keys(p).map((name) => [name, np.zeros(p[name].shape)]));
  const loss = (p: Params, x: Value, y: Value) => apply(p, x).mul(nn.oneHot(y, 10)).sum().mul(-1 / batch);
  const step = jit((p: Params, m: Params, x: Value, y: Value) => {
    const [value, grads] = valueAndGrad(loss)(tree.ref(p), x, y);
    const [nextP, nextM]: [Params, Params] = [{}, {}];
    for (const name in p) {
      nextM[name] = m[name].mul(0.5).add(grads[name]);
      nextP[name] = p[name].sub(nextM[name].ref.mul(0.01));
    }
    return [nextP, nextM, value];
  });
  const pixels = new Float32Array(batch * 784).map(() => Math.random());
  const classes = new Int32Array(batch).map(() => Math.floor(Math.random() * 10));
  const times: number[] = [];
  for (let i = 0; i < Number(steps) + 3; i++) {
    const x = np.array(pixels).reshape([batch, 1, 28, 28]);
    const y = np.array(classes, { dtype: np.int32 });
    const start = performance.now();
    const [nextP, nextM, value]: [Params, Params, Value] = step(p, m, x, y);
    [p, m] = [nextP, nextM];
    await value.jsAsync();
    if (i >= 3) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { msMedian: times[times.length >> 1], msMin: times[0] };
}

const round = (ms: number) => Math.round(ms * 1000) / 1000;
for (const name of names.split(",")) {
  const { msMedian, msMin } = await timeSteps(networks[name]);
  console.log(
    JSON.stringify({ engine: "jax-js", device, model: name, batch, msMedian: round(msMedian), msMin: round(msMin) }),
  );
}
// Its workers would keep the process alive.
Deno.exit(0);
