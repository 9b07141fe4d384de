/** How long a request waits for its answer (RFC 7240, the `wait` preference). */
export interface Wait {
  waitMs: number;
  /** The value of the answer's `Preference-Applied`; absent where the client did not ask. */
  applied?: string;
}

const defaultSeconds = 30;
const maxSeconds = 300;

/**
 * Reads `Prefer: wait=seconds`. More than 300 counts as 300. RFC 7240 has a preference ignored that cannot be
 * read.
 */
export function readWait(prefer: string | string[] | undefined): Wait {
  for (const preference of preferencesOf(prefer)) {
    const [, digits] = /^\s*wait\s*=\s*"?(\d+)"?\s*(;.*)?$/i.exec(preference) ?? [];
    if (digits === undefined) continue;
    const seconds = Math.min(Number(digits), maxSeconds);
    return { waitMs: seconds * 1_000, applied: `wait=${seconds}` };
  }
  return { waitMs: defaultSeconds * 1_000 };
}

/**
 * Whether the client wants a command answered as soon as it is stored (RFC 7240, the `respond-async`
 * preference).
 */
export function prefersAsync(prefer: string | string[] | undefined): boolean {
  return preferencesOf(prefer).some((preference) => /^\s*respond-async\s*(;.*)?$/i.test(preference));
}

function preferencesOf(prefer: string | string[] | undefined): string[] {
  return [prefer ?? []].flat().join(",").split(",");
}
