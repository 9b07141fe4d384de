import type { Clock } from "../model/clock.ts";
import type { IngestionCounter } from "./ingestion-counter.ts";

/** How often idle ingestions are looked for while there are any, and how often it is looked whether there are. */
const archiveEveryMs = 1_000;
const lookEveryMs = 5_000;

/** Archives the counts of ingestions once they are idle. The function that is returned ends that. */
export function archiveIngestions(
  counter: Pick<IngestionCounter, "isCounting" | "archive">,
  clock: Pick<Clock, "after">,
  onError: (error: unknown) => void,
): () => void {
  let cancel = () => {};
  const archive = () => {
    if (counter.isCounting) counter.archive().catch(onError);
    cancel = clock.after(counter.isCounting ? archiveEveryMs : lookEveryMs, archive);
  };
  cancel = clock.after(archiveEveryMs, archive);
  return () => cancel();
}
