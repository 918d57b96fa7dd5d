/** Factors of matrices, systems of equations and determinants against PyTorch. */
import { add, type DeviceName, exp, expandDims, eye, linalg, matmul, mul, type Tensor, transpose } from "../../mod.ts";
import stored from "../fixtures/linalg.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { isLong } from "../support/share.ts";
import { testParity } from "./run.ts";

const fixtures = (list: unknown) => list as readonly OperationFixture[];

const identity = ({ shape, dtype }: Tensor) => eye(shape.at(-1)!, { dtype });
const regular = (a: Tensor) => add(a, mul(identity(a), 3));

/** In quick runs the laws in `tests/linalg` are what other devices are held to. */
const devices: readonly DeviceName[] | undefined = isLong ? undefined : ["wasm"];

testParity("factors of matrices agree with PyTorch", fixtures(stored.factors), {
  devices,
  calls: {
    cholesky: ({ x }) => linalg.cholesky(add(matmul(x, transpose(x)), identity(x))),
    q: ({ x }) => linalg.qr(x)[0],
    r: ({ x }) => linalg.qr(x)[1],
  },
});
testParity("systems of equations agree with PyTorch", fixtures(stored.systems), {
  devices,
  calls: {
    solve: ({ a, b }) => linalg.solve(regular(a), b),
    solveTriangular: ({ a, b }, options) => linalg.solveTriangular(regular(a), b, options),
    choleskySolve: ({ a, b }, options) => linalg.choleskySolve(regular(a), b, options),
    lstsq: ({ a, b }) => linalg.lstsq(a, b),
    inv: ({ a }) => linalg.inv(regular(a)),
  },
});
testParity("determinants agree with PyTorch", fixtures(stored.determinants), {
  devices,
  calls: {
    det: ({ a }) => linalg.det(a),
    sign: ({ a }) => linalg.slogdet(a)[0],
    log: ({ a }) => linalg.slogdet(a)[1],
  },
});
const values = fixtures(stored.values);
const firstOfEach = values.filter(({ name }, i) => values.findIndex((each) => each.name === name) === i);

// Their programs have hundreds of kernels.
testParity("what follows from eigenvalues and singular values agrees with PyTorch", isLong ? values : firstOfEach, {
  calls: {
    eigenvalues: ({ x }) => linalg.eigh(add(x, transpose(x)))[0],
    exponential: ({ x }) => {
      const [values, vectors] = linalg.eigh(add(x, transpose(x)));
      return matmul(mul(vectors, expandDims(exp(values), { axis: -2 })), transpose(vectors));
    },
    singularValues: ({ x }) => linalg.svd(x)[1],
    orthogonal: ({ x }) => {
      const [u, , vt] = linalg.svd(x);
      return matmul(u, vt);
    },
    pinv: ({ x }) => linalg.pinv(x),
  },
  devices,
});
