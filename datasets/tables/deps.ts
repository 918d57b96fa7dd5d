/**
 * The reader of tables as text, pinned. It is loaded when a table is read.
 *
 * @module
 */
export { parse as parseCsv } from "npm:csv-parse@7.0.3/sync";
