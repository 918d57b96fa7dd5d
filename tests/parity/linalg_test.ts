/** Factors of matrices, systems of equations and determinants against PyTorch. */
import { add, eye, linalg, matmul, mul, type Tensor, transpose } from "../../mod.ts";
import stored from "../fixtures/linalg.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { testParity } from "./run.ts";

const fixtures = (list: unknown) => list as readonly OperationFixture[];

const identity = ({ shape, dtype }: Tensor) => eye(shape.at(-1)!, { dtype });
const regular = (a: Tensor) => add(a, mul(identity(a), 3));

testParity("factors of matrices agree with PyTorch", fixtures(stored.factors), {
  calls: {
    cholesky: ({ x }) => linalg.cholesky(add(matmul(x, transpose(x)), identity(x))),
    q: ({ x }) => linalg.qr(x)[0],
    r: ({ x }) => linalg.qr(x)[1],
  },
});
testParity("systems of equations agree with PyTorch", fixtures(stored.systems), {
  calls: {
    solve: ({ a, b }) => linalg.solve(regular(a), b),
    solveTriangular: ({ a, b }, options) => linalg.solveTriangular(regular(a), b, options),
    lstsq: ({ a, b }) => linalg.lstsq(a, b),
    inv: ({ a }) => linalg.inv(regular(a)),
  },
});
testParity("determinants agree with PyTorch", fixtures(stored.determinants), {
  calls: {
    det: ({ a }) => linalg.det(a),
    sign: ({ a }) => linalg.slogdet(a)[0],
    log: ({ a }) => linalg.slogdet(a)[1],
  },
});
