/**
 * Addresses that files are downloaded from: http and https only. Others, of which `fetch` takes some, would read this machine's files.
 *
 * @module
 */

/** The address that a text is, perhaps from where it was found; undefined if that is none, or not of http or https. */
export function httpAddress(text: string, from?: URL): URL | undefined {
  const url = URL.parse(text, from);
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}
