/**
 * Messages of protocol buffers with other fields.
 *
 * @module
 */

/** A copy of a message with some fields changed. A spread would lose those that are not set, whose defaults are in the prototype. */
export function changed<M extends object>(message: M, changes: Partial<M>): M {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, changes);
}
