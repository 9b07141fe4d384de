import type { Command } from "commander";
import type { AuditEntry } from "../../../libs/client/types/gateway.ts";
import { sessionOf } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import { wholeNumber } from "../options/numbers.ts";
import type { Io } from "../terminal/io.ts";

/** `kato audit`: who has changed what, and who was refused. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("audit")
      .description("who has changed what, and who was refused: the newest, or from a sequence on")
      .option("--from <sequence>", "the first entry", wholeNumber)
      .option("--limit <number>", "how many at most, up to 1000", wholeNumber, 100)
      .action(async ({ from, limit }: { from?: number; limit: number }, command: Command) => {
        const { client, print, time } = sessionOf(io, command);
        const { entries } = await client.access.audit({ from, limit });
        print.list<AuditEntry>(entries, [
          { title: "SEQUENCE", value: ({ sequence }) => sequence, align: "right" },
          { title: "TIME", value: (entry) => time(entry.time) },
          { title: "WHO", value: ({ name, principal }) => name || principal || "-" },
          { title: "ADDRESS", value: ({ address }) => address },
          { title: "ACTION", value: ({ action }) => action },
          {
            title: "STATUS",
            value: ({ status }) => status,
            style: ({ status }) => (status < 400 ? "green" : "red"),
          },
          { title: "PROCESSOR", value: ({ processor }) => processor },
          {
            title: "DETAIL",
            value: ({ detail }) => (detail ? JSON.stringify(detail) : ""),
            style: () => "dim",
          },
        ]);
      }),
    "kato audit --limit 20",
  );
}
