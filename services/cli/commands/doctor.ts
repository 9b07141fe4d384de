import type { Command } from "commander";
import { KatoError } from "../../../libs/client/kato-error.ts";
import type { Processor } from "../../../libs/client/types/gateway.ts";
import packageJson from "../../../package.json" with { type: "json" };
import { failureOf } from "../connection/failure.ts";
import type { Session } from "../connection/session.ts";
import { sessionOf } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import type { ExitCode } from "../terminal/cli-error.ts";
import { CliError, exitCodes } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";
import type { Style } from "../terminal/style.ts";
import { painter, printable } from "../terminal/style.ts";
import { countOf, durationOf, mebibytes } from "../terminal/time.ts";
import type { Finding } from "./finding.ts";

const styles: Record<Finding["state"], Style> = { ok: "green", warning: "yellow", wrong: "red" };
const maxSkewSeconds = 1;

/** `kato doctor`: what is wrong with this installation, and what to do. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("doctor")
      .description("what is wrong with this installation and what to do; with NATS_URL it looks at NATS too")
      .action(async (_options, command: Command) => {
        const session = sessionOf(io, command);
        const { findings, exitCode } = await examine(session);
        const paint = painter(io, io.out);
        if (session.print.format !== "table") session.print.list(findings, []);
        else {
          for (const { what, state, detail, remedy } of findings) {
            const text = printable(`${what}: ${detail}`);
            io.out.write(`${paint(state.padEnd(7), styles[state])}  ${text}\n`);
            if (remedy !== undefined) io.out.write(`         → ${printable(remedy)}\n`);
          }
        }
        if (exitCode !== exitCodes.done) throw new CliError(exitCode, "");
      }),
    "kato doctor",
  );
}

async function examine(session: Session): Promise<{ findings: Finding[]; exitCode: ExitCode }> {
  const findings: Finding[] = [];
  let exitCode: ExitCode = exitCodes.done;
  /** A part that cannot be looked at is a finding itself. */
  const look = async (what: string, part: () => Promise<Finding[]>) => {
    try {
      findings.push(...(await part()));
    } catch (error) {
      if (session.io.stopping.aborted) throw error;
      const failure = failureOf(error);
      const [detail = "", ...rest] = failure.sentence.split(": ");
      const remedy = rest.join(": ");
      findings.push({ what, state: "wrong", detail, ...(remedy && { remedy }) });
      exitCode = failure.exitCode;
    }
  };
  await look("gateway", () => gateway(session));
  if (exitCode === exitCodes.done) {
    await look("access", () => access(session));
    await look("processors", () => processors(session));
    await look("metrics", () => metrics(session));
  }
  if (session.io.variables.NATS_URL) {
    const { examineNats } = await import("./doctor-nats.ts");
    await look("NATS", () => examineNats(session.io));
  }
  const isWrong = findings.some(({ state }) => state === "wrong");
  return { findings, exitCode: exitCode === exitCodes.done && isWrong ? exitCodes.refused : exitCode };
}

async function gateway({ client, connection }: Session): Promise<Finding[]> {
  const { version, ready, reason } = await client.gateway.home();
  const isSame = version === packageJson.version;
  return [
    ready
      ? { what: "gateway", state: "ok", detail: `${connection.url} is ready` }
      : {
          what: "gateway",
          state: "wrong",
          detail: `${connection.url} is not ready: ${reason ?? "it does not say why"}`,
          remedy: "look whether NATS runs, and whether NATS_URL of the gateway is right",
        },
    {
      what: "versions",
      state: isSame ? "ok" : "warning",
      detail: `the gateway is ${version}, kato is ${packageJson.version}`,
      ...(!isSame && { remedy: "use the kato of the gateway's version" }),
    },
  ];
}

async function access({ client }: Session): Promise<Finding[]> {
  const { principal, grants } = await client.access.session();
  const may = `scope ${grants.scope} for ${grants.processors.join(", ")}`;
  return [
    {
      what: "access",
      state: "ok",
      detail: principal === "" ? "the gateway asks nobody who they are" : `${principal} has the ${may}`,
    },
  ];
}

const remedies: Partial<Record<Processor["state"], string>> = {
  down: "look whether its instance runs, and is at that endpoint; kato processors move tells a new one",
  unowned: "start a worker (npm run worker), or look at the logs of those that run",
  held: "decide with kato processors adopt, or kato processors rebuild --from",
  paused: "kato processors resume",
  rebuilding: "its worker has just taken it, and looks for its instance: ask again in a moment",
};

async function processors({ client }: Session): Promise<Finding[]> {
  const { processors, unregistered } = await client.processors.list();
  const ill = processors.flatMap(({ id, healthy, state, reason, degraded, endpoint }): Finding[] => {
    const remedy = remedies[state];
    const why = reason ? `: ${reason}` : "";
    return [
      ...(healthy && state !== "paused"
        ? []
        : [
            {
              what: id,
              state: healthy ? ("warning" as const) : ("wrong" as const),
              detail: `${state} (${endpoint})${why}`,
              ...(remedy && { remedy }),
            },
          ]),
      ...(degraded === undefined
        ? []
        : [
            {
              what: id,
              state: "warning" as const,
              detail: `degraded: ${degraded}`,
              remedy: `docs/operating.md#states; kato processors rebuild ${id} gives back what can be`,
            },
          ]),
    ];
  });
  const waiting = processors.reduce((sum, { depth }) => sum + (depth ?? 0), 0);
  const oldest = Math.max(0, ...processors.map(({ oldest_seconds }) => oldest_seconds ?? 0));
  const numbers = `${processors.length} registered, ${countOf(waiting)} commands wait, the oldest for ${durationOf(oldest)}`;
  const summary: Finding =
    processors.length > 0
      ? { what: "processors", state: "ok", detail: numbers }
      : {
          what: "processors",
          state: "warning",
          detail: "none is registered",
          remedy: "kato processors add ID HOST:PORT",
        };
  const left: Finding[] =
    unregistered.length === 0
      ? []
      : [
          {
            what: "logs",
            state: "warning",
            detail: `NATS still has the logs of ${unregistered.join(", ")}, which are not registered`,
            remedy: "register them again, or kato processors rm ID --data",
          },
        ];
  return [summary, ...ill, ...left];
}

/** What the gateway measures: how its clock stands to NATS's, and how full NATS's storage is. */
async function metrics({ client }: Session): Promise<Finding[]> {
  let text: string;
  try {
    text = await client.gateway.metrics();
  } catch (error) {
    if (!(error instanceof KatoError) || error.status !== 403) throw error;
    return [
      {
        what: "metrics",
        state: "warning",
        detail: "this key may not read them, so clock and storage are not looked at",
      },
    ];
  }
  const measured = (name: string) => {
    const [, value] = new RegExp(`^${name} (\\S+)$`, "m").exec(text) ?? [];
    return value === undefined ? undefined : Number(value);
  };
  const findings: Finding[] = [];
  const skew = measured("kato_clock_skew_seconds");
  if (skew !== undefined) {
    const isWell = Math.abs(skew) <= maxSkewSeconds;
    findings.push({
      what: "clock",
      state: isWell ? "ok" : "warning",
      detail: `the gateway's clock differs from NATS's by ${durationOf(Math.abs(skew))}`,
      ...(!isWell && { remedy: "have both machines take their time from the same servers (NTP)" }),
    });
  }
  const [used, capacity, reserve] = ["used", "capacity", "reserve"].map((part) =>
    measured(`kato_store_${part}_bytes`),
  );
  if (used !== undefined && capacity !== undefined && reserve !== undefined && capacity > 0) {
    const isFull = used >= capacity - reserve;
    findings.push({
      what: "storage",
      state: isFull ? "wrong" : "ok",
      detail: `${mebibytes(used)} of ${mebibytes(capacity)} MiB of NATS's storage are used`,
      ...(isFull && {
        remedy:
          "give NATS more (max_file_store), or remove what is not needed: docs/operating.md#a-full-store",
      }),
    });
  }
  return findings;
}
