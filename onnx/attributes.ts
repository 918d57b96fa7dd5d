/**
 * The attributes of a node, read by their types.
 *
 * @module
 */
import { OptionError } from "../core/errors.ts";
import type { Tensor } from "../core/tensor.ts";
import { type AttributeProto, AttributeType } from "./deps.ts";
import type { ElementName } from "./elements.ts";
import type { Host } from "./values.ts";

/** What a graph says of an input or output. */
export interface GraphValue {
  readonly name: string;
  readonly type?: ElementName;
  /** Extents; those that are free have a name, or "?". Undefined if nothing is said. */
  readonly shape?: readonly (number | string)[];
}

/** A graph among the attributes of a node, as its op sees it. */
export interface Subgraph {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

/** Attributes by name: numbers, texts, lists of them, tensors and graphs. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | Host | Tensor | Subgraph;

/** What a reader takes, and what to call it. */
interface Reader<T> {
  readonly needs: string;
  holds(value: AttributeValue): boolean;
  readonly type?: T;
}

const aNumber: Reader<number> = { needs: "a number", holds: (value) => typeof value === "number" };
const aText: Reader<string> = { needs: "a text", holds: (value) => typeof value === "string" };
const numbers: Reader<readonly number[]> = { needs: "a list of numbers", holds: (value) => isListOf(value, "number") };
const texts: Reader<readonly string[]> = { needs: "a list of texts", holds: (value) => isListOf(value, "string") };
const aRecord: Reader<unknown> = { needs: "a tensor or a graph", holds: (value) => typeof value === "object" };

function isListOf(value: AttributeValue, type: "number" | "string"): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === type);
}

/** The attributes of one node. Without a default, an attribute must be there. */
export class Attributes {
  constructor(readonly values: ReadonlyMap<string, AttributeValue>) {}

  has(name: string): boolean {
    return this.values.has(name);
  }

  number(name: string, otherwise?: number): number {
    return this.#read(name, aNumber, otherwise);
  }

  flag(name: string, otherwise: boolean): boolean {
    return this.number(name, Number(otherwise)) !== 0;
  }

  text(name: string, otherwise?: string): string {
    return this.#read(name, aText, otherwise);
  }

  /**
   * One of some texts, in lower case.
   *
   * @throws {OptionError} If it is another.
   */
  choice<const T extends string>(name: string, texts: readonly T[], otherwise: NoInfer<T>): T {
    const given = this.text(name, otherwise).toLowerCase();
    const found = texts.find((text) => text.toLowerCase() === given);
    if (found !== undefined) return found;
    throw new OptionError(`attribute ${name} is "${given}"; supported are ${texts.join(", ")}`, { option: name });
  }

  numbers(name: string, otherwise?: readonly number[]): readonly number[] {
    return this.#read(name, numbers, otherwise);
  }

  /** A list that may be missing. */
  optional(name: string): readonly number[] | undefined {
    return this.has(name) ? this.numbers(name) : undefined;
  }

  texts(name: string, otherwise?: readonly string[]): readonly string[] {
    return this.#read(name, texts, otherwise);
  }

  tensor(name: string): Host | Tensor {
    return this.#read(name, aRecord, undefined) as Host | Tensor;
  }

  graph(name: string): Subgraph {
    return this.#read(name, aRecord, undefined) as Subgraph;
  }

  #read<T>(name: string, reader: Reader<T>, otherwise: T | undefined): T {
    const value = this.values.get(name) ?? otherwise;
    if (value === undefined) throw new OptionError(`attribute ${name} is missing`, { option: name });
    if (reader.holds(value as AttributeValue)) return value as T;
    throw new OptionError(`attribute ${name} must be ${reader.needs}`, { option: name });
  }
}

const decoder = new TextDecoder();

/** How a graph's parts are read, which attributes may hold. */
export interface PartReaders {
  tensor(attribute: AttributeProto): Host | Tensor;
  graph(attribute: AttributeProto): Subgraph;
}

/** The value of an attribute; undefined for types that no supported op has. */
export function attributeValue(attribute: AttributeProto, parts: PartReaders): AttributeValue | undefined {
  switch (attribute.type) {
    case AttributeType.FLOAT:
      return attribute.f;
    case AttributeType.INT:
      return Number(attribute.i);
    case AttributeType.STRING:
      return decoder.decode(attribute.s);
    case AttributeType.FLOATS:
      return attribute.floats;
    case AttributeType.INTS:
      return attribute.ints.map(Number);
    case AttributeType.STRINGS:
      return attribute.strings.map((text) => decoder.decode(text));
    case AttributeType.TENSOR:
      return parts.tensor(attribute);
    case AttributeType.GRAPH:
      return parts.graph(attribute);
    default:
      return undefined;
  }
}
