import { commandOfMessage } from "../../../../libs/commands/messages/command.ts";
import { streamOf } from "../../../../libs/commands/messages/subjects.ts";
import { readPage } from "../../../../libs/nats/stored-messages.ts";
import type { Principal } from "../../access/principal.ts";
import { maySee } from "../../access/principal.ts";
import { findIngestion } from "../../bulk/find-ingestion.ts";
import type { Backend } from "../../fleet/backend.ts";
import type { IngestionView } from "./ingestion-view.ts";
import { endOf, readProgress, viewOf } from "./ingestion-view.ts";

/** So many commands of a log are looked at by one request, and so many are read at once. */
const lookedAt = 100;
const pageSize = 10;

/**
 * The ingestions of a processor of which something is not applied, in the order of the log: those that the worker
 * counts, and those of the commands that wait. Each command that is looked at leads past the end of its ingestion, so
 * however much waits, few are read, and of those only the headers. An ingestion that lies between the commands of
 * another is found once the worker counts it. `next` is where to go on.
 */
export async function ingestionsUnderWay(
  backend: Backend,
  processor: string,
  principal: Principal,
  from: number,
): Promise<{ ingestions: IngestionView[]; next: number | undefined }> {
  const progress = await readProgress(backend, processor);
  const views: IngestionView[] = [];
  const ends = new Map<string, number>();
  /** Resolves to the sequence at which the ingestion ends, as far as that is known. */
  const add = async (ingestion: string): Promise<number> => {
    const known = ends.get(ingestion);
    if (known !== undefined) return known;
    const record = await findIngestion(backend, processor, ingestion);
    const end = record ? endOf(record) : 0;
    ends.set(ingestion, end);
    if (record && maySee(principal, record.sender)) views.push(await viewOf(backend, record, progress));
    return end;
  };
  const firstWaiting = progress.applied + 1;
  // On a later page they would stand a second time.
  if (from <= firstWaiting)
    for (const ingestion of Object.keys(progress.ingestions ?? {})) await add(ingestion);
  let next: number | undefined = Math.max(from, firstWaiting);
  for (let looked = 0; looked < lookedAt && next !== undefined; looked += pageSize) {
    const page = await readPage(backend.nats.connection, streamOf(processor), {
      ...{ from: next, limit: pageSize, headersOnly: true },
    });
    if (page.length === 0) next = undefined;
    for (const message of page) {
      if (next === undefined || message.seq < next) continue;
      const { ingestion } = commandOfMessage(processor, message);
      next = Math.max(message.seq, ingestion === undefined ? 0 : await add(ingestion)) + 1;
    }
  }
  const ingestions = views
    .filter(({ state }) => state !== "done")
    .sort((one, other) => (one.first_sequence ?? 0) - (other.first_sequence ?? 0));
  return { ingestions, next };
}
