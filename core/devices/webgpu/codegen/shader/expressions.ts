/**
 * Scalar expressions as WGSL text.
 *
 * Every node that is no leaf becomes one `let`, so that shared nodes are computed once and nesting stays flat. Mathematical functions
 * become functions of the shader, written from their expansions.
 *
 * @module
 */
import type { Expr } from "../../../../ir/expr.ts";
import { expandBinary, expandLiteral, expandUnary } from "../../../../ir/functions/mod.ts";
import { hiddenChoices, hiddenOperands, isFloatLiteral } from "./folding.ts";
import { literal } from "./literals.ts";
import { printBinary, printCast, printUnary, refuseDouble } from "./operators.ts";
import type { WgslWriter } from "./wgsl_writer.ts";

/** What leaves stand for at the point being computed: names or short expressions. */
export interface Leaves {
  /** Whether the expression itself marks what drivers must not see (`folding.ts`): an expansion of `core/ir/functions` does. */
  readonly marksExact?: true;
  load(slot: number): string;
  index(offset: number, strides: readonly number[]): string;
  result(slot: number): string;
}

/** Prints expressions at one point of the domain; a node printed once is reused. */
export function expressionPrinter(shader: WgslWriter, leaves: Leaves): (e: Expr) => string {
  return printerWith(shader, leaves, new Map());
}

/** A printer that knows the names of some nodes already. */
function printerWith(shader: WgslWriter, leaves: Leaves, known: Map<Expr, string>): (e: Expr) => string {
  const print = (e: Expr): string => {
    let text = known.get(e);
    if (text === undefined) {
      // What a branch computes is known inside it alone.
      text = e.kind === "select" && e.rare
        ? printBranch(shader, e, print, printerWith(shader, leaves, new Map(known)))
        : printNode(shader, leaves, e, print);
      // Literals stay in place, where drivers see them.
      if (e.kind !== "const") text = shader.define(text);
      known.set(e, text);
    }
    return text;
  };
  return print;
}

function printBranch(
  shader: WgslWriter,
  e: Extract<Expr, { kind: "select" }>,
  print: (e: Expr) => string,
  inside: (e: Expr) => string,
): string {
  const value = shader.fresh("v");
  const test = print(e.test);
  shader.line(`var ${value} = ${print(e.y)};`);
  shader.when([test], () => shader.line(`${value} = ${inside(e.x)};`));
  return value;
}

function printNode(shader: WgslWriter, leaves: Leaves, e: Expr, print: (e: Expr) => string): string {
  refuseDouble(e.type);
  switch (e.kind) {
    case "const":
      return literal(shader, e.type, e.value);
    case "load":
      return leaves.load(e.slot);
    case "index":
      return leaves.index(e.offset, e.strides);
    case "result":
      return leaves.result(e.slot);
    case "unary":
      return printFunction(shader, e, [e.x], print) ??
        printUnary(shader, e.op, e.x.type, printOperand(shader, e.x, isFloatLiteral(e.x), print));
    case "binary": {
      const simple = expandLiteral(e.op, e.x, e.y);
      if (simple) return print(simple);
      const call = printFunction(shader, e, [e.x, e.y], print);
      if (call) return call;
      const [hideX, hideY] = leaves.marksExact ? [false, false] : hiddenOperands(e, !shader.roundsEachStep);
      const [x, y] = [printOperand(shader, e.x, hideX, print), printOperand(shader, e.y, hideY, print)];
      return printBinary(shader, e.op, e.x.type, x, y);
    }
    case "select": {
      const [hideX, hideY] = hiddenChoices(e);
      return `select(${printOperand(shader, e.y, hideY, print)}, ${printOperand(shader, e.x, hideX, print)}, ${print(e.test)})`;
    }
    case "cast":
      return printCast(shader, e.type, e.x.type, print(e.x));
    case "bitcast":
      return `bitcast<${e.type}>(${print(e.x)})`;
  }
}

/** An operand, hidden from drivers if that is needed. */
function printOperand(shader: WgslWriter, x: Expr, hide: boolean, print: (e: Expr) => string): string {
  return hide ? `${shader.helper("exact")}(${print(x)})` : print(x);
}

/** A call of the function that an operation becomes, if it is not one of WGSL's own; the function is added to the shader. */
function printFunction(
  shader: WgslWriter,
  e: Extract<Expr, { kind: "unary" | "binary" }>,
  values: readonly Expr[],
  print: (e: Expr) => string,
): string | undefined {
  const parameters = values.map((value, slot): Expr => ({ kind: "load", type: value.type, slot }));
  const expansion = e.kind === "unary" ? expandUnary(e.op, parameters[0]) : expandBinary(e.op, parameters[0], parameters[1]);
  if (!expansion) return undefined;
  const name = `${e.op}_${e.type}`;
  shader.once(name, () => writeFunction(shader, name, expansion, parameters));
  const argument = (x: Expr) => printOperand(shader, x, isFloatLiteral(x), print);
  return `${name}(${values.map(argument).join(", ")})`;
}

function writeFunction(shader: WgslWriter, name: string, expansion: Expr, parameters: readonly Expr[]): void {
  const names = ["x", "y"];
  const signature = parameters.map(({ type }, i) => `${names[i]}: ${type}`).join(", ");
  const unknown = () => {
    throw new Error(`${name} depends on more than its arguments`);
  };
  shader.function(`${name}(${signature}) -> ${expansion.type}`, () => {
    const value = expressionPrinter(shader, { marksExact: true, load: (slot) => names[slot], index: unknown, result: unknown })(
      expansion,
    );
    // Comparisons of NaN may come out either way.
    const guarded = parameters.length === 1 ? `select(${value}, x, ${shader.helper("isNan")}(x))` : value;
    shader.line(`return ${guarded};`);
  });
}
