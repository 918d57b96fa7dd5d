/**
 * The encoder of pictures, pinned. It is loaded when the first one is shown or written.
 *
 * @module
 */
export { encode as encodePng } from "npm:fast-png@8.0.0";
