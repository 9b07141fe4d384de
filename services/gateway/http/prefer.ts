/** How long a request may wait for its answer (RFC 7240, the `wait` preference). */
export interface Wait {
  waitMs: number;
  /** What `Preference-Applied` says, where the client asked. */
  applied?: string;
}

const defaultSeconds = 30;
const maxSeconds = 300;

/** Reads `Prefer: wait=seconds`. More than 300 counts as 300; what cannot be read is ignored, as the RFC has it. */
export function readWait(prefer: string | string[] | undefined): Wait {
  for (const preference of preferencesOf(prefer)) {
    const [, digits] = /^\s*wait\s*=\s*"?(\d+)"?\s*(;.*)?$/i.exec(preference) ?? [];
    if (digits === undefined) continue;
    const seconds = Math.min(Number(digits), maxSeconds);
    return { waitMs: seconds * 1_000, applied: `wait=${seconds}` };
  }
  return { waitMs: defaultSeconds * 1_000 };
}

/** Whether a command is to be answered as soon as it is stored (RFC 7240, the `respond-async` preference). */
export function prefersAsync(prefer: string | string[] | undefined): boolean {
  return preferencesOf(prefer).some((preference) => /^\s*respond-async\s*(;.*)?$/i.test(preference));
}

function preferencesOf(prefer: string | string[] | undefined): string[] {
  return [prefer ?? []].flat().join(",").split(",");
}
