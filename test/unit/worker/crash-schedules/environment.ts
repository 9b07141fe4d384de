import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import type { ReadCommand } from "../../../../libs/commands/log/log-reader.ts";
import type { StoredCommand } from "../../../../libs/commands/messages/command.ts";
import type { IngestionCounts } from "../../../../libs/commands/outcomes/ingestion-store.ts";
import type { CheckpointBucket } from "../../../../services/worker/checkpoint/checkpoint-store.ts";
import { CheckpointStore } from "../../../../services/worker/checkpoint/checkpoint-store.ts";
import type { InstancePort } from "../../../../services/worker/instance/port.ts";
import type { Clock } from "../../../../services/worker/model/clock.ts";
import { OutcomeRecorder } from "../../../../services/worker/outcomes/outcome-recorder.ts";
import type {
  ProcessorEnvironment,
  ProcessorStores,
} from "../../../../services/worker/processor/processor-environment.ts";
import type { Life, World } from "./world.ts";
import { never } from "./world.ts";

export const processor = "p1";
const callTimeoutMs = 2_000;
/** Log lines of a worker that cannot make sense of an instance. In these worlds it always can. */
const mustNotBeSaid = ["cannot make sense of an answer", "cannot find out what the instance has"];

/**
 * The environment that one life of the worker gives its processor in this world. `onConnect` is called before
 * the instance is called.
 */
export function environmentOf(world: World, life: Life, onConnect: () => void): ProcessorEnvironment {
  const clock = clockOf(world, life);
  const log = logOf(world);
  return {
    processor,
    lease: life.lease,
    port: portOf(world, life, onConnect),
    settings: { callTimeoutMs, mendsForeignCalls: true, idleProbeMs: () => 1_000 },
    stores: {
      logs: logsOf(world, life),
      identity: identityOf(world, life),
      checkpoints: new CheckpointStore(bucketOf(world, life), processor, life.lease, async () => {}),
      lateCalls: {
        reportsOf: () => world.lateCalls,
        tell: (report) => world.tellLateCalls(life, report),
        remove: (report) =>
          world.exchange(life, "remove", () => {
            world.lateCalls = world.lateCalls.filter((other) => other !== report);
          }),
      },
      ingestions: ingestionsOf(world, life),
      outcomes: new OutcomeRecorder({
        outcomes: recordsOf(world, life),
        letters: { put: () => world.exchange(life, "letter", () => 0) },
        maxPayloadBytes: () => 1_000_000,
        isShort: () => false,
        clock,
        log,
      }),
    },
    events: {
      reply: (subject, reply) => world.replies.push({ life: life.number, subject, reply }),
      leaseLost: () => world.driver?.leaseLost(life),
      stateChanged: () => {},
    },
    telemetry: { metrics: nothingMeasured, tracing: undefined, log },
    clock,
    remembered: life.remembered,
  };
}

const nothingMeasured = {
  lost: () => {},
  waited: () => {},
  applied: () => {},
  called: () => {},
  reconnected: () => {},
  concluded: () => {},
  deadLettered: () => {},
  recovered: () => {},
};

function clockOf(world: World, life: Life): Clock {
  return {
    unixMs: () => world.clock.nowMs,
    storeMs: () => world.clock.nowMs,
    monotonicMs: () => world.clock.nowMs,
    // So short a sleep is always a wait for an instance that may still be busy with a call.
    sleep: (ms) => (ms < 100 ? world.pause(life, ms) : world.clock.sleep(life, ms)),
    after: (ms, task) => world.clock.after(life, ms, task),
  };
}

function logOf(world: World): ProcessorEnvironment["telemetry"]["log"] {
  return {
    info: () => {},
    warn: (_: unknown, text?: unknown) => void world.story.push(`  ${text}`),
    error: (fields: unknown, text?: unknown) => {
      const { reason = "" } = Object(fields) as { reason?: string };
      world.story.push(`  ${text} ${reason}`.trimEnd());
      if (typeof text !== "string" || !mustNotBeSaid.includes(text)) return;
      const { err } = Object(fields) as { err?: Error };
      world.problems.push(`${text}: ${err?.stack ?? ""}`);
    },
  };
}

function portOf(world: World, life: Life, onConnect: () => void): InstancePort {
  let isClosed = false;
  const closed = new Set<() => void>();
  const change = (timeoutMs?: number) =>
    new Promise<void>((resolve) => {
      const end = () => {
        stopWatching();
        closed.delete(end);
        cancelTimer?.();
        resolve();
      };
      const stopWatching = world.onConnection(end);
      closed.add(end);
      // The worker's own timeouts are partly random. So they are rounded down to half seconds.
      const ms = timeoutMs === undefined ? undefined : Math.max(100, Math.floor(timeoutMs / 500) * 500);
      const cancelTimer = ms === undefined ? undefined : world.clock.after(life, ms, end);
    });
  return {
    get ready() {
      return !isClosed && world.connection !== undefined;
    },
    get connections() {
      return world.connections;
    },
    refusal: undefined,
    connect: async (timeoutMs) => {
      if (life.isDead) return never();
      onConnect();
      if (!isClosed && world.connection === undefined && timeoutMs > 0) await change(timeoutMs);
      return !isClosed && world.connection !== undefined;
    },
    stateChange: change,
    call: async (method, request) => {
      if (isClosed) return { kind: "not-sent", status: 14, details: "closed" };
      return world.call(life, method, request);
    },
    close: () => {
      isClosed = true;
      for (const end of [...closed]) end();
    },
  };
}

function logsOf(world: World, life: Life): ProcessorStores["logs"] {
  const from = (sequence: number) => world.log.filter((command) => command.sequence >= sequence);
  return {
    ensure: () => world.exchange(life, "ensure", () => undefined),
    last: () => world.exchange(life, "last", () => world.lastStored),
    next: (_processor, sequence) =>
      world.exchange(life, "next", () => from(sequence)[0]?.sequence ?? Number.POSITIVE_INFINITY),
    fill: async () => undefined,
    firstSince: (_processor, sinceMs) =>
      world.exchange(life, "first since", () => {
        const found = world.log.find(({ storedAtMs = 0 }) => storedAtMs >= sinceMs);
        return found && { sequence: found.sequence, storedAtMs: found.storedAtMs ?? 0 };
      }),
    first: () => world.exchange(life, "first", () => world.log[0]?.sequence ?? world.lastStored + 1),
    delete: (_processor, sequence) =>
      world.exchange(life, "delete", () => {
        world.log = world.log.filter((command) => command.sequence !== sequence);
      }),
    trim: (_processor, sequence) =>
      world.exchange(life, "purge", () => {
        world.log = from(sequence);
      }),
    async *readRange(_processor, first, through) {
      const commands = await world.exchange(life, "range", () => from(first));
      for (const command of commands) {
        if (command.sequence > through) return;
        if (world.log.includes(command)) yield command;
      }
    },
    read: (_processor, first, onLost) => readerOf(world, life, { first, onLost }),
  };
}

function identityOf(world: World, life: Life): ProcessorStores["identity"] {
  return {
    look: () =>
      world.exchange(life, "look", () => ({
        id: world.logId,
        messages: world.log.length,
        first: world.log[0]?.sequence ?? world.lastStored + 1,
        last: world.lastStored,
        firstStoredAtMs: world.log[0]?.storedAtMs,
        nowMs: world.clock.nowMs,
        created: `log ${world.logNumber}`,
      })),
    storedAt: (_processor, sequence) =>
      world.exchange(
        life,
        "stored at",
        () => world.log.find((command) => command.sequence === sequence)?.storedAtMs,
      ),
    name: (_processor, { created }) =>
      world.exchange(life, "name", () => {
        world.logId = created;
        return created;
      }),
    continueAt: (_processor, { last, next }) =>
      world.exchange(life, "continue at", () => {
        if (last !== world.lastStored) return false;
        world.log = [];
        world.lastStored = next - 1;
        return true;
      }),
  };
}

function readerOf(
  world: World,
  life: Life,
  { first, onLost }: { first: number; onLost: (() => void) | undefined },
) {
  const closing = Promise.withResolvers<void>();
  let isClosed = false;
  const behind = (sequence: number) => world.log.filter((command) => command.sequence >= sequence).length;
  const end = () => {
    world.onRestart.delete(lose);
    isClosed = true;
    closing.resolve();
  };
  const lose = () => {
    end();
    if (!life.isDead) onLost?.();
  };
  world.onRestart.add(lose);
  return {
    pending: () => world.exchange(life, "pending", () => behind(first)),
    async *commands(): AsyncGenerator<ReadCommand> {
      for (let next = first; !isClosed; ) {
        await world.untilNatsAnswers(life);
        if (isClosed) return;
        const command: StoredCommand | undefined = world.log.find(({ sequence }) => sequence >= next);
        if (!command) {
          await Promise.race([closing.promise, nextStored(world)]);
          continue;
        }
        next = command.sequence + 1;
        world.seenThrough = world.lastStored;
        yield { command, behind: behind(next) };
      }
    },
    close: end,
    get isClosed() {
      return isClosed;
    },
  };
}

/** Resolves when another command is stored. */
function nextStored(world: World): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => {
    world.onStored.delete(wake);
    resolve();
  };
  world.onStored.add(wake);
  return promise;
}

function bucketOf(world: World, life: Life): CheckpointBucket {
  const write = (key: string, value: string | Uint8Array, revision: number | undefined) =>
    world.exchange(life, "a write", () => {
      const stored = world.bucket.get(key);
      if (revision !== undefined && (stored?.revision ?? 0) !== revision) throw wrongRevision();
      world.bucket.set(key, { revision: ++world.revision, value: value.toString() });
      world.happened(value.toString());
      return world.revision;
    });
  return {
    get: (key) =>
      world.exchange(life, "a read", () => {
        const stored = world.bucket.get(key);
        if (!stored) return null;
        const { revision, value } = stored;
        return {
          revision,
          operation: "PUT" as const,
          value: Buffer.from(value),
          json: <T>(): T => JSON.parse(value),
          string: () => value,
        };
      }),
    update: (key, value, revision) => write(key, value, revision),
    put: (key, value) => write(key, value, undefined),
    keys: () => Promise.reject(new Error("no checkpoint of a schedule has parts")),
  };
}

/** How NATS refuses a write by compare-and-set. */
export function wrongRevision(): Error {
  return new JetStreamApiError({
    code: 400,
    err_code: JetStreamApiCodes.StreamWrongLastSequence,
    description: "wrong last sequence",
  });
}

function ingestionsOf(world: World, life: Life): ProcessorStores["ingestions"] {
  const read = (ingestion: string): IngestionCounts | undefined =>
    JSON.parse(world.counts.get(ingestion) ?? "null") ?? undefined;
  return {
    counts: (_processor, ingestion) => world.exchange(life, "counts", () => read(ingestion)),
    putCounts: (_processor, ingestion, counts) =>
      world.exchange(life, "put counts", () => {
        if ((read(ingestion)?.through ?? 0) < counts.through)
          world.counts.set(ingestion, JSON.stringify(counts));
      }),
  };
}

function recordsOf(world: World, life: Life) {
  const put = (record: Parameters<typeof world.records.set>[1]["record"]) =>
    world.records.set(record.command, { revision: ++world.revision, record, storedAtMs: world.clock.nowMs });
  return {
    find: (_processor: string, command: string) =>
      world.exchange(life, "find", () => world.records.get(command)),
    create: (_processor: string, record: Parameters<typeof put>[0]) =>
      world.exchange(life, "create", () => {
        if (world.records.has(record.command)) return false;
        put(record);
        return true;
      }),
    replace: (_processor: string, record: Parameters<typeof put>[0], revision: number) =>
      world.exchange(life, "replace", () => {
        if (world.records.get(record.command)?.revision !== revision) return false;
        put(record);
        return true;
      }),
    put: (_processor: string, record: Parameters<typeof put>[0]) =>
      world.exchange(life, "put", () => {
        put(record);
      }),
  };
}
