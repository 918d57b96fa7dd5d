/**
 * Products of matrices of f64, any strides.
 *
 * @module
 */
import type { Access, MatmulKernel } from "../../../../ir/kernel.ts";
import type { GeneratorContext, Phase } from "../context.ts";
import { operandAddress, plusScaled } from "../emit/addresses.ts";
import { doubleBytes, panelProduct } from "./panel_product.ts";

/** Steps of a panel: it shall stay in a core's nearest cache. */
const mostSteps = 256;

/** Writes the phases of a product. */
export function doubleMatmul(context: GeneratorContext, kernel: MatmulKernel): readonly Phase[] {
  const { k } = kernel;
  const { batch, m, n, lhs, rhs } = turned(kernel);
  const [leftBatch, leftRow, leftStep] = lhs.strides;
  const [rightBatch, rightStep, rightColumn] = rhs.strides;
  const steps = Math.min(k, mostSteps);
  const runs = Math.max(1, Math.ceil(k / mostSteps));
  return panelProduct(context, kernel, {
    batch,
    m,
    n,
    runs,
    steps,
    lastSteps: k - (runs - 1) * steps,
    pushLeft: (c, image, run) => {
      plusScaled(operandAddress(c, lhs, doubleBytes), image, leftBatch * doubleBytes);
      plusScaled(c, run, steps * leftStep * doubleBytes);
    },
    leftRow,
    leftStep,
    eachStep: (c, { batch: image, run, column }, left, step) => {
      const at = c.local("i32");
      plusScaled(operandAddress(c, rhs, doubleBytes), image, rightBatch * doubleBytes);
      plusScaled(c, run, steps * rightStep * doubleBytes);
      plusScaled(c, column, rightColumn * doubleBytes).set(at);
      c.get(left).if(() =>
        c.loop(() => {
          step((each) => {
            c.get(at);
            if (each > 0) c.i32(each * rightColumn * doubleBytes).op("i32.add");
            c.mem("f64.load");
          });
          c.increment(at, rightStep * doubleBytes).increment(left, -1).get(left).brIf(0);
        })
      );
    },
  });
}

/** The product, by its transpose if it is one row: to be packed, every element of the right matrix should be used more than once. */
function turned({ shape: [batch, m, n], operands: [lhs, rhs] }: MatmulKernel) {
  if (m > 1) return { batch, m, n, lhs, rhs };
  const transposed = (matrix: Access): Access => {
    const [image, row, column] = matrix.strides;
    return { ...matrix, strides: [image, column, row] };
  };
  return { batch, m: n, n: m, lhs: transposed(rhs), rhs: transposed(lhs) };
}
