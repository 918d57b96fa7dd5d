/**
 * Environment variables for one test. Those of the process are shared with the test files that run beside it, so only this file's
 * `Deno.env.get` is made to say something else: processes that a test starts are to be given them by `env`.
 *
 * @module
 */

/** Runs a test for which these variables are set, or not (undefined); all others are what they are. */
export async function withVariables<A>(
  variables: Readonly<Record<string, string | undefined>>,
  test: () => A | Promise<A>,
): Promise<A> {
  const { get } = Deno.env;
  Deno.env.get = (name) => Object.hasOwn(variables, name) ? variables[name] : get.call(Deno.env, name);
  try {
    return await test();
  } finally {
    Deno.env.get = get;
  }
}
