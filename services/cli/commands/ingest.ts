import type { Command } from "commander";
import { Option } from "commander";
import { KatoError } from "../../../libs/client/kato-error.ts";
import type { Ingestion, IngestionReport } from "../../../libs/client/types/bulk.ts";
import type { Session } from "../connection/session.ts";
import { sessionOf } from "../connection/session.ts";
import { beginIngest } from "../input/begun-ingests.ts";
import type { CsvColumns } from "../input/csv.ts";
import type { InputFormat } from "../input/observations.ts";
import { formatOf, inputFormats, openInput } from "../input/observations.ts";
import { withExamples } from "../options/examples.ts";
import { pair, words } from "../options/values.ts";
import { CliError, exitCodes } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";
import { countOf } from "../terminal/time.ts";
import { IngestProgress } from "./ingest-progress.ts";

interface IngestFlags {
  format?: InputFormat;
  strings?: string[];
  vector?: string[];
  emotive?: Record<string, string>;
  uniqueId?: string;
  learn?: boolean;
  stopOnError?: boolean;
  receipts?: string;
  async?: boolean;
  restart?: boolean;
  idempotencyKey?: string;
}

/** `kato ingest`: a file of observations. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("ingest <processor> <file>")
      .description(
        "observe what a file has (- for standard input); the same command again goes on where it stopped",
      )
      .addOption(new Option("--format <format>", "by the file's name without it").choices(inputFormats))
      .option("--strings <columns>", "CSV: whose cells are symbols; all others without it", words)
      .option("--vector <columns>", "CSV: the numbers of one vector", words)
      .option("--emotive <name=column>", "CSV: may be given several times", pair)
      .option("--unique-id <column>", "CSV: the observation's id")
      .option("--learn", "a Learn after the last line")
      .option("--stop-on-error", "end at the first line that is refused")
      .option("--receipts <file>", "write what became of each line, one JSON object a line")
      .option("--async", "end when all of it is stored, and do not wait until it is applied")
      .option("--restart", "forget what was begun, and send all of it as new")
      .option(
        "--idempotency-key <key>",
        "the same key again within 7 days stores nothing twice; made up for a file",
      )
      .action(async (id: string, file: string, flags: IngestFlags, command: Command) => {
        await ingest(sessionOf(io, command), id, file, flags);
      }),
    "kato ingest p46b6b076c observations.ndjson",
    "kato ingest p46b6b076c rows.csv --strings weather,wind --emotive joy=mood --learn",
    `echo '{"strings": ["a"]}' | kato ingest p46b6b076c -`,
  );
}

async function ingest(session: Session, id: string, file: string, flags: IngestFlags): Promise<void> {
  const { io, client, connection } = session;
  const { learn = false, stopOnError = false, restart = false } = flags;
  const format = flags.format ?? formatOf(file);
  const columns = columnsOf(flags);
  const input = openInput(io, file, format, columns);
  const options = { format, columns, learn, stopOnError };
  const begun =
    file === "-" || flags.idempotencyKey !== undefined
      ? undefined
      : beginIngest(io, { url: connection.url, processor: id, file, options, restart });
  if (begun?.begunAt !== undefined)
    io.err.write(`goes on with what was begun on ${session.time(begun.begunAt)}\n`);
  const processor = client.processor(id);
  const progress = new IngestProgress(io, input, processor, flags.receipts);
  try {
    const report = await processor.upload(() => input.lines(), {
      signal: io.stopping,
      idempotencyKey: flags.idempotencyKey ?? begun?.key,
      learnAtEnd: learn,
      stopOnError,
      ...progress.handlers,
    });
    const end = flags.async ? undefined : await progress.untilApplied(report, io.stopping);
    progress.end();
    begun?.end();
    tellEnd(session, id, report, end);
  } catch (error) {
    progress.end();
    if (io.stopping.aborted) io.err.write(stoppedText(progress.accepted, begun !== undefined));
    // Nothing of it is stored, so there is nothing to go on with.
    else if (begun?.begunAt === undefined && progress.accepted === 0 && !mayHaveStored(error)) begun?.end();
    throw error;
  } finally {
    progress.close();
  }
}

function mayHaveStored(error: unknown): boolean {
  if (!(error instanceof KatoError)) return false;
  return error.effect !== "none" || (error.problem.accepted ?? 0) > 0;
}

function columnsOf({ strings, vector, emotive, uniqueId }: IngestFlags): CsvColumns {
  return {
    ...(strings && { strings }),
    ...(vector && { vector }),
    ...(emotive && { emotives: emotive }),
    ...(uniqueId !== undefined && { uniqueId }),
  };
}

function stoppedText(accepted: number, goesOn: boolean): string {
  const known = accepted > 0 ? `stopped after ${countOf(accepted)} lines were stored` : "stopped";
  return `${known}${goesOn ? "; the same command again goes on" : ""}\n`;
}

/** Prints what became of it. Lines that were refused, or that KATO failed at, are a failure. */
function tellEnd({ print }: Session, id: string, report: IngestionReport, end: Ingestion | undefined): void {
  const rejected = report.rejected_count ?? report.rejected.length;
  const applied = end ? `, ${countOf(end.applied)} applied` : "";
  const others = (["failed", "unknown", "lost"] as const).flatMap((state) =>
    end && end[state] > 0 ? [`${countOf(end[state])} ${state}`] : [],
  );
  const numbers = [`${countOf(report.accepted)} accepted${applied}`, ...others];
  if (rejected > 0) numbers.push(`${countOf(rejected)} rejected`);
  const lines = report.rejected.map(({ line, detail }) => `line ${line}: ${detail}`);
  if (rejected > lines.length) lines.push(`and ${countOf(rejected - lines.length)} more`);
  print.told([`${id}: ${numbers.join(", ")}`, ...lines].join("\n"), end ?? report);
  if (end && end.unknown + end.lost > 0) throw new CliError(exitCodes.unknown, "");
  if (rejected > 0 || (end && end.failed > 0)) throw new CliError(exitCodes.refused, "");
}
