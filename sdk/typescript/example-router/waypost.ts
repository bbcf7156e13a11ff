// What every policy wants beside its own rules: an exception that nobody expected is told with its
// text and its place. Without this, the host sees no more than that the policy crashed.

import { log } from 'waypost:policy/log@0.1.0';

/**
 * The functions of an export, each of which writes an exception to the policy's log before it
 * crashes. What is thrown on purpose, a decline or a list of errors, is no `Error` and passes.
 */
export function guarded<T extends object>(functions: T): T {
  const guard = ([name, inner]: [string, unknown]): [string, unknown] => {
    if (typeof inner !== 'function') return [name, inner];
    const outer = (...given: unknown[]): unknown => {
      try {
        return inner.apply(functions, given);
      } catch (thrown) {
        if (!(thrown instanceof Error)) throw thrown;
        log('error', told(thrown));
        // As an error of the contract it would be an empty one; nothing at all is a crash.
        throw null;
      }
    };
    return [name, outer];
  };
  return Object.fromEntries(Object.entries(functions).map(guard)) as T;
}

/** The kind and the text of an exception, and its line in `dist/policy.js`. */
function told(error: Error): string {
  const place = /:(\d+):\d+$/m.exec(error.stack ?? '');
  const line = place ? ` (policy.js:${place[1]})` : '';
  return `${error.name}: ${error.message}${line}`.replace(/\s+/g, ' ');
}
