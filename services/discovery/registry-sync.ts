import { setTimeout as sleep } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import type { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import { queueDepth } from "../../libs/commands/log/queue-depth.ts";
import type { EndpointPolicy } from "../../libs/registry/endpoint-policy.ts";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import type { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import { selectEntries } from "./select-entries.ts";
import type { DiscoveredInstance, DiscoverySource } from "./sources/source.ts";

/** The source, the registry to sync, and what is needed for it. */
export interface RegistrySyncOptions {
  source: DiscoverySource;
  registry: Registry;
  logs: CommandLogs;
  checkpoints: KV;
  endpointPolicy: EndpointPolicy;
  /** How often the source is asked for a full list, besides after hints. */
  listEveryMs: number;
  /** How long an entry has to be missing from the lists before it is withdrawn. */
  forgetMs: number;
  log: Logger;
}

/** How a source stands; discovery's /health shows it in this form. */
export interface SyncState {
  /** When the source was last listed, in ISO 8601; null if never. */
  listed: string | null;
  /** How many instances that list had. */
  found: number;
  /** Why the latest attempt to list it failed; absent if it succeeded. */
  failure?: string;
}

/** Hints come in bursts. The list is asked for this long after the first hint, and counts for all of them. */
const hintSettleMs = 250;

/** A watch that ended is begun again after this time, which doubles with each watch that fails. */
const watchAgainMs = 1_000;

/**
 * Keeps the registry's entries of one source equal to the source's full lists.
 *
 * Invariants:
 * - An entry is changed or withdrawn only because of a full list. A hint only makes the next list come
 *   sooner.
 * - An entry is withdrawn once no list has had it for `forgetMs`, all lists of that time succeeded, and no
 *   commands are queued for it.
 * - A restart of this process does no harm. What it knows besides the registry (since when an entry is
 *   missing, which problems were logged) may be lost at any time.
 */
export class RegistrySync {
  readonly #options: RegistrySyncOptions;
  /** By id: since when the entry is missing from the lists, by the clock of `performance.now()`. */
  #missingSince: ReadonlyMap<string, number> = new Map();
  /** The problems that were logged, by where they are. */
  #problems: ReadonlyMap<string, string> = new Map();
  #hinted = Promise.withResolvers<void>();
  #listedAt: string | undefined;
  #listedCount = 0;
  #failure: string | undefined;

  constructor(options: RegistrySyncOptions) {
    this.#options = options;
  }

  /** How the source stands now. */
  get state(): SyncState {
    const failure = this.#failure === undefined ? {} : { failure: this.#failure };
    return { listed: this.#listedAt ?? null, found: this.#listedCount, ...failure };
  }

  /** Syncs until `stopping` is aborted, and returns once nothing is under way. */
  async run(stopping: AbortSignal): Promise<void> {
    await this.#syncOnce(stopping);
    await Promise.all([this.#syncRepeatedly(stopping), this.#watch(stopping)]);
  }

  async #syncRepeatedly(stopping: AbortSignal): Promise<void> {
    const { listEveryMs } = this.#options;
    while (!stopping.aborted) {
      const period = new AbortController();
      const hint = this.#hinted.promise.then(() => pause(hintSettleMs, stopping));
      await Promise.race([pause(listEveryMs, AbortSignal.any([stopping, period.signal])), hint]);
      period.abort();
      this.#hinted = Promise.withResolvers();
      if (!stopping.aborted) await this.#syncOnce(stopping);
    }
  }

  /** Watches the source for hints, with a new watch when one ends. */
  async #watch(stopping: AbortSignal): Promise<void> {
    const { source, listEveryMs, log } = this.#options;
    for (let failures = 0; !stopping.aborted; ) {
      try {
        await source.watch(() => this.#hinted.resolve(), stopping);
        failures = 0;
      } catch (error) {
        failures++;
        // A single failure may be a broken connection, which is not worth a line. The lists go on in any
        // case.
        if (failures === 2 && !stopping.aborted) {
          log.warn(
            { source: source.name, reason: messageOf(error) },
            "changes are seen only at the next list",
          );
        }
      }
      await pause(Math.min(watchAgainMs * 2 ** failures, Math.max(watchAgainMs, listEveryMs)), stopping);
    }
  }

  /** Asks for a full list and makes the registry's entries equal to it. Never rejects. */
  async #syncOnce(stopping: AbortSignal): Promise<void> {
    const { source, log } = this.#options;
    let instances: DiscoveredInstance[];
    try {
      instances = await source.list(stopping);
    } catch (error) {
      if (stopping.aborted) return;
      // Nobody knows what the source had meanwhile, so the time that entries were missing starts anew.
      this.#missingSince = new Map();
      const reason = messageOf(error);
      if (reason !== this.#failure)
        log.warn({ source: source.name, reason }, "cannot be listed, all entries stay");
      this.#failure = reason;
      return;
    }
    if (this.#failure !== undefined) log.info({ source: source.name }, "can be listed again");
    this.#failure = undefined;
    this.#listedAt = new Date().toISOString();
    this.#listedCount = instances.length;
    await this.#apply(instances);
  }

  async #apply(instances: DiscoveredInstance[]): Promise<void> {
    const { source, registry } = this.#options;
    const { entries, ids, problems } = selectEntries(instances, source.name);
    for (const { where, entry } of entries) {
      const problem = await this.#register(where, entry).catch(messageOf);
      if (problem !== undefined) problems.set(where, problem);
    }
    const missingSince = new Map<string, number>();
    for (const entry of registry.list()) {
      if (entry.source !== source.name || ids.has(entry.id)) continue;
      const since = this.#missingSince.get(entry.id) ?? performance.now();
      missingSince.set(entry.id, since);
      const problem = await this.#withdrawWhenDue(entry, since).catch(messageOf);
      if (problem !== undefined) problems.set(entry.id, problem);
    }
    this.#missingSince = missingSince;
    this.#logProblems(problems);
  }

  /** Registers an entry, or brings it up to date. Returns why it cannot, or undefined. */
  async #register(where: string, entry: ProcessorEntry): Promise<string | undefined> {
    const { source, registry, logs, endpointPolicy, log } = this.#options;
    const { id, grpc_endpoint: endpoint } = entry;
    const location = await endpointPolicy(endpoint, source.name);
    if ("refusal" in location) return `its endpoint is not allowed: ${location.refusal}`;
    const known = registry.get(id);
    if (known?.source === "docker" || known?.source === "kubernetes") {
      if (known.source !== source.name) return `${id} is registered by ${known.source} already`;
    }
    // The log has to exist before the entry: as soon as a gateway sees the entry, it sends commands.
    if (!known) await logs.ensure(id);
    if (!(await registry.declare(entry))) return `${id} is registered by ${known?.source}, which counts more`;
    if (known?.source !== source.name) log.info({ processor: id, where, endpoint }, "registered");
    else if (known.grpc_endpoint !== endpoint) {
      log.info({ processor: id, where, endpoint, before: known.grpc_endpoint }, "moved");
    }
    return undefined;
  }

  /**
   * Withdraws an entry that is missing since `since`, if that is long enough. Returns why it has to stay, or
   * undefined.
   */
  async #withdrawWhenDue(
    { id, grpc_endpoint: endpoint }: ProcessorEntry,
    since: number,
  ): Promise<string | undefined> {
    const { source, registry, logs, checkpoints, forgetMs, log } = this.#options;
    if (!this.#missingSince.has(id)) {
      log.info({ processor: id, endpoint, forgetMs }, "is gone, and is withdrawn unless it comes back");
    }
    if (performance.now() - since < forgetMs) return undefined;
    if ((await queueDepth(logs, checkpoints, id)) > 0) {
      return "is gone, and kept because commands are queued for it: start it again, or remove it over REST";
    }
    await registry.withdraw(id, source.name);
    log.info({ processor: id, endpoint }, "withdrawn");
    return undefined;
  }

  /** Logs each problem once, and again when it has changed or has come back. */
  #logProblems(problems: ReadonlyMap<string, string>): void {
    const { source, log } = this.#options;
    for (const [where, problem] of problems) {
      if (this.#problems.get(where) !== problem) log.warn({ source: source.name }, `${where}: ${problem}`);
    }
    this.#problems = problems;
  }
}

/** Waits for `ms`, or until the signal if that comes first. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await sleep(ms, undefined, { signal }).catch(() => {});
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
