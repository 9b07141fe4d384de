import { fromNats } from "../fleet/refusals.ts";
import { invalid } from "../http/invalid.ts";
import type { Backend } from "../open-backend.ts";

/**
 * The sequence in a query's `Kato-After`, 0 where there is none: a command that stands in the log or did. Throws INVALID_INPUT
 * naming the header.
 */
export async function readKatoAfter(
  backend: Backend,
  processor: string,
  header: string | string[] | undefined,
): Promise<number> {
  if (header === undefined) return 0;
  const { logs, states } = backend;
  const text = [header].flat().join(",").trim();
  const sequence = /^\d{1,15}$/.test(text) ? Number(text) : invalid("Kato-After", "must be a sequence");
  if (sequence <= (states.get(processor)?.last ?? 0)) return sequence;
  const last = await fromNats(backend, processor, () => logs.last(processor));
  return sequence <= last ? sequence : invalid("Kato-After", `the log of this processor ends at ${last}`);
}
