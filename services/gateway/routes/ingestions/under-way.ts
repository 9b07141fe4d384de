import { jetstreamManager } from "@nats-io/jetstream";
import type { LoggedCommand } from "../../../../libs/commands/messages/command.ts";
import { commandOfMessage } from "../../../../libs/commands/messages/command.ts";
import { commandSubject, streamOf } from "../../../../libs/commands/messages/subjects.ts";
import type { Principal } from "../../access/principal.ts";
import { maySee } from "../../access/principal.ts";
import { findIngestion } from "../../bulk/find-ingestion.ts";
import type { Backend } from "../../fleet/backend.ts";
import type { IngestionView } from "./ingestion-view.ts";
import { endOf, readProgress, viewOf } from "./ingestion-view.ts";

/** So many commands of a log are looked at by one request. */
const lookedAt = 100;

/**
 * The ingestions of a processor of which something is not applied, in the order of the log: those that the worker
 * counts, and those of the commands that wait. Each command that is looked at leads past the end of its ingestion, so
 * however much waits, few are read. An ingestion that lies between the commands of another is found once the worker
 * counts it. `next` is where to go on.
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
  const commandAt = await logOf(backend, processor);
  for (let looked = 0; looked < lookedAt && next !== undefined; looked++) {
    const command = await commandAt(next);
    const { ingestion } = command ?? {};
    const end = ingestion === undefined ? 0 : await add(ingestion);
    next = command && Math.max(command.sequence, end) + 1;
  }
  const ingestions = views
    .filter(({ state }) => state !== "done")
    .sort((one, other) => (one.first_sequence ?? 0) - (other.first_sequence ?? 0));
  return { ingestions, next };
}

/** What reads the first command of a log from a sequence on. */
async function logOf({ nats }: Backend, processor: string) {
  const manager = await jetstreamManager(nats.connection, { checkAPI: false });
  return async (sequence: number): Promise<LoggedCommand | undefined> => {
    const query = { seq: sequence, next_by_subj: commandSubject(processor) };
    const message = await manager.streams.getMessage(streamOf(processor), query);
    if (!message) return undefined;
    const { seq, data, time, header: headers } = message;
    return commandOfMessage(processor, { seq, data, time, headers });
  };
}
