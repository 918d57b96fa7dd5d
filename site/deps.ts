/**
 * What the documentation site needs from outside, pinned.
 *
 * @module
 */
export { marked, type Tokens } from "npm:marked@18.2.1";
