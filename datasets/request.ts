/**
 * Requests for a file, or for the rest of it: redirects, permissions, and connections on which nothing comes.
 *
 * @module
 */
import { Either, pipe, TaskEither } from "../deps.ts";
import { httpAddress } from "./address.ts";
import type { DatasetError } from "./errors.ts";
import { reasonOf } from "../core/quoted.ts";
import { httpFailed } from "./failures.ts";
import { connecting, permitted } from "../core/permissions.ts";

/** How often a mirror may send us elsewhere. */
const maxRedirects = 5;

/** Requests what comes after the first `present` bytes, following redirects ourselves to look at each. */
export async function request(
  url: URL,
  present: number,
  signal: AbortSignal,
  redirects = maxRedirects,
): Promise<Either.Either<DatasetError, Response>> {
  // Packed on its way, the file's bytes could not be counted.
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (present > 0) headers.range = `bytes=${present}-`;
  const answer = await pipe(
    TaskEither.fromEither(permitted([connecting(url)], `connect to ${url.host}`)),
    TaskEither.flatMap(() =>
      TaskEither.tryCatch(() => fetch(url, { headers, signal, redirect: "manual" }), (cause) => connectionFailed(url.href, cause))
    ),
  )();
  if (Either.isLeft(answer) || ![301, 302, 303, 307, 308].includes(answer.right.status)) return answer;
  await answer.right.body?.cancel();
  const next = pipe(redirection(answer.right, url), Either.filterOrElse(() => redirects > 0, () => "it redirects without end"));
  if (Either.isLeft(next)) return Either.left(httpFailed(url.href, next.left, answer.right.status));
  return request(next.right, present, signal, redirects - 1);
}

/** Where a response sends us, or why it does not. */
function redirection({ status, headers }: Response, from: URL): Either.Either<string, URL> {
  const location = headers.get("location");
  if (location === null) return Either.left(`it answered ${status} and does not say where the file is`);
  return Either.fromNullable(`it redirects to ${location}, which is not an http or https address`)(httpAddress(location, from));
}

/** What is known of the bytes that a response brings. */
export interface ResponseRange {
  /** Where they begin in the file; NaN if the response does not say. */
  readonly start: number;
  /** How many the whole file has, if that is known. */
  readonly total?: number;
  /** What changes with the file, if the server names something. */
  readonly version: string;
}

/** Which bytes a response brings. */
export function rangeOf({ status, headers }: Response): ResponseRange {
  const range = /^bytes (?:(\d+)-\d+|\*)\/(?:(\d+)|\*)$/.exec(headers.get("content-range") ?? "");
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  const whole = status === 206 || status === 416 ? range?.[2] : length ?? undefined;
  const total = whole === undefined ? undefined : Number(whole);
  const version = headers.get("etag") ?? headers.get("last-modified") ?? `${total}`;
  return { start: status === 206 ? Number(range?.[1] ?? NaN) : 0, total, version };
}

/** Ends a connection on which nothing comes, and on disposal one whose response was not read to its end. */
export interface StallGuard extends Disposable {
  readonly signal: AbortSignal;
  /** Starts the time anew: something came. */
  reset(): void;
}

/** A guard that aborts after `milliseconds` without a reset. */
export function stallGuard(milliseconds: number): StallGuard {
  const controller = new AbortController();
  const start = () => setTimeout(() => controller.abort(new Error(`nothing came for ${milliseconds} ms`)), milliseconds);
  let timer = start();
  const stop = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    reset: () => (stop(), timer = start()),
    [Symbol.dispose]: () => (stop(), controller.abort()),
  };
}

/** A connection that could not be made, or was cut. */
export function connectionFailed(url: string, cause: unknown): DatasetError {
  // Deno says "fetch failed" and hides what happened in the cause, with the address once more.
  const inner = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  return httpFailed(url, reasonOf(inner).replace(/ for url \([^)]*\)/, ""));
}
