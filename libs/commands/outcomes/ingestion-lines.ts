import type { CommandLogs } from "../log/command-logs.ts";
import type { IngestionRecord } from "./ingestion-store.ts";

/** The id of the command for a line of an ingestion, or for the Learn after all lines. */
export function lineCommandId(ingestion: string, line: number | "learn"): string {
  return `${ingestion}.${line}`;
}

/** A command of an ingestion, as it is in the log. */
export interface StoredLine {
  /** The number of its line, or `learn` for the Learn after all lines. */
  line: number | "learn";
  sequence: number;
  data: Uint8Array;
}

/**
 * Yields the commands of an ingestion that are in the log from the sequence `from` on, in order. New ones may
 * be stored while it is read. It ends only when it has come to the end that the log has then.
 */
export async function* storedLines(
  logs: Pick<CommandLogs, "last" | "readRange">,
  { processor, ingestion }: Pick<IngestionRecord, "processor" | "ingestion">,
  from: number,
): AsyncGenerator<StoredLine> {
  let next = from;
  for (;;) {
    const last = await logs.last(processor);
    if (next > last) return;
    for await (const command of logs.readRange(processor, next, last)) {
      if (command.ingestion !== ingestion) continue;
      const line = command.id.slice(ingestion.length + 1);
      yield { line: line === "learn" ? line : Number(line), sequence: command.sequence, data: command.data };
    }
    next = last + 1;
  }
}
