/**
 * Code as one types it at a prompt: what it declares stays for the next piece, its last expression is its value, `await` may stand
 * anywhere, and imports of the library name what is there already.
 *
 * @module
 */
import { type ImportDeclaration, parse, type Pattern, type Program } from "./deps.ts";

/** What is there by name. */
export type Scope = Record<string, unknown>;

/** What came of a piece of code. */
export type Evaluated =
  /** More must follow: a bracket is open. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown };

const AsyncFunction = (async () => {}).constructor as new (...texts: string[]) => (scope: Scope) => Promise<unknown>;

/** Runs a piece of code. */
export async function evaluate(source: string, scope: Scope): Promise<Evaluated> {
  try {
    const body = compiled(source);
    if (body === undefined) return { kind: "incomplete" };
    // Not strict, as `with` is the one way to names that come and go.
    const run = new AsyncFunction("$scope", `with ($scope) { let $value;\n${body}\nreturn $value; }`);
    return { kind: "value", value: await run(scope) };
  } catch (error) {
    return { kind: "error", error };
  }
}

/** The code as the body of a function that keeps its declarations in `$scope` and its value in `$value`; undefined if more must follow. */
function compiled(source: string): string | undefined {
  // A brace begins a block, unless what it begins can be an object.
  const asObject = `(${source}\n)`;
  const text = /^\s*\{/.test(source) && isWhole(asObject) ? asObject : source;
  const program = parsed(text);
  if (program === undefined) return undefined;
  const names: string[] = [];
  const statements = program.body.map((statement, i) => {
    const own = text.slice(statement.start, statement.end);
    switch (statement.type) {
      case "ImportDeclaration":
        return renamed(statement, names);
      case "VariableDeclaration":
        names.push(...statement.declarations.flatMap(({ id }) => namesOf(id)));
        return own;
      case "FunctionDeclaration":
      case "ClassDeclaration":
        names.push(statement.id.name);
        return own;
      case "ExpressionStatement":
        return i === program.body.length - 1
          ? `$value = await (${text.slice(statement.expression.start, statement.expression.end)});`
          : own;
      default:
        return own;
    }
  });
  return [...statements, `Object.assign($scope, { ${names.join(", ")} });`].join("\n");
}

function isWhole(text: string): boolean {
  try {
    return parsed(text) !== undefined;
  } catch {
    return false;
  }
}

/** Undefined if the code ends too early. */
function parsed(text: string): Program | undefined {
  try {
    return parse(text, { ecmaVersion: "latest", sourceType: "module", allowAwaitOutsideFunction: true });
  } catch (error) {
    const { pos = 0, message = "" } = error as { pos?: number; message?: string };
    if (pos >= text.trimEnd().length || /^Unterminated (template|comment)/.test(message)) return undefined;
    throw error;
  }
}

/** What an import adds to what is there anyway: names of one's own. */
function renamed({ specifiers }: ImportDeclaration, names: string[]): string {
  return specifiers.map(({ local, ...specifier }) => {
    if (specifier.type !== "ImportSpecifier") {
      throw new SyntaxError(`Cannot import ${local.name}: here is Cotangent only, by its names`);
    }
    const { imported } = specifier;
    const name = imported.type === "Identifier" ? imported.name : `${imported.value}`;
    if (name === local.name) return "";
    names.push(local.name);
    return `const ${local.name} = ${name};`;
  }).join(" ");
}

/** The names that a declaration binds. */
function namesOf(pattern: Pattern): string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) => namesOf(property.type === "RestElement" ? property : property.value));
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => element ? namesOf(element) : []);
    case "RestElement":
      return namesOf(pattern.argument);
    case "AssignmentPattern":
      return namesOf(pattern.left);
    case "MemberExpression":
      return [];
  }
}
