import { setTimeout as sleep } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import { depthOf } from "../../libs/commands/depth.ts";
import type { CommandLogs } from "../../libs/commands/log.ts";
import type { EndpointPolicy } from "../../libs/registry/endpoint-policy.ts";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import type { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import { assess } from "./assess.ts";
import type { DiscoverySource, Found } from "./sources/source.ts";

export interface FollowerOptions {
  source: DiscoverySource;
  registry: Registry;
  logs: CommandLogs;
  checkpoints: KV;
  endpointPolicy: EndpointPolicy;
  /** How often a full list is asked for. */
  listEveryMs: number;
  /** How long an entry is kept that the lists do not have any more. */
  forgetMs: number;
  log: Logger;
}

/** What a source says comes in bursts: one list after so long does for all of it. */
const hintSettleMs = 250;

/** How long until a watch that has ended is begun again; twice as long after each one that failed. */
const watchAgainMs = 1_000;

/**
 * Keeps the registry's entries of one source as its full lists have them.
 *
 * Invariants: an entry is changed or withdrawn only by what a full list says; hints only bring the next list forward. An entry is
 * withdrawn once it was missing from every list for `forgetMs`, none of which failed, and nothing is queued for it. What this
 * process knows besides the registry (what is missing since when, what was said in the log) may be lost at any time.
 */
export class Follower {
  readonly #options: FollowerOptions;
  /** By id: since when it is missing, on the clock of `performance.now()`. */
  #missingSince: ReadonlyMap<string, number> = new Map();
  #problems: ReadonlyMap<string, string> = new Map();
  #hinted = Promise.withResolvers<void>();
  #listedAt: string | undefined;
  #found = 0;
  #failure: string | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** When it was last listed, how many instances there were, and why it cannot be listed now, if so. */
  get state(): { listed: string | null; found: number; failure?: string } {
    const failure = this.#failure === undefined ? {} : { failure: this.#failure };
    return { listed: this.#listedAt ?? null, found: this.#found, ...failure };
  }

  /** Returns once `stopping` is aborted and nothing is under way. */
  async run(stopping: AbortSignal): Promise<void> {
    await this.#look(stopping);
    await Promise.all([this.#list(stopping), this.#watch(stopping)]);
  }

  async #list(stopping: AbortSignal): Promise<void> {
    const { listEveryMs } = this.#options;
    while (!stopping.aborted) {
      const period = new AbortController();
      const hint = this.#hinted.promise.then(() => pause(hintSettleMs, stopping));
      await Promise.race([pause(listEveryMs, AbortSignal.any([stopping, period.signal])), hint]);
      period.abort();
      this.#hinted = Promise.withResolvers();
      if (!stopping.aborted) await this.#look(stopping);
    }
  }

  async #watch(stopping: AbortSignal): Promise<void> {
    const { source, listEveryMs, log } = this.#options;
    for (let failures = 0; !stopping.aborted; ) {
      try {
        await source.watch(() => this.#hinted.resolve(), stopping);
        failures = 0;
      } catch (error) {
        failures++;
        // Once may be a connection that broke; the lists go on in any case.
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

  /** Asks for a full list and has the registry be like it. Never rejects. */
  async #look(stopping: AbortSignal): Promise<void> {
    const { source, log } = this.#options;
    let found: Found[];
    try {
      found = await source.list(stopping);
    } catch (error) {
      if (stopping.aborted) return;
      // Nobody knows what it had meanwhile.
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
    this.#found = found.length;
    await this.#apply(found);
  }

  async #apply(found: Found[]): Promise<void> {
    const { source, registry } = this.#options;
    const { entries, ids, problems } = assess(found, source.name);
    for (const { where, entry } of entries) {
      const problem = await this.#register(where, entry).catch(messageOf);
      if (problem !== undefined) problems.set(where, problem);
    }
    const missingSince = new Map<string, number>();
    for (const entry of registry.list()) {
      if (entry.source !== source.name || ids.has(entry.id)) continue;
      const since = this.#missingSince.get(entry.id) ?? performance.now();
      missingSince.set(entry.id, since);
      const problem = await this.#miss(entry, since).catch(messageOf);
      if (problem !== undefined) problems.set(entry.id, problem);
    }
    this.#missingSince = missingSince;
    this.#tell(problems);
  }

  /** Has the entry stand in the registry, or says why it does not. */
  async #register(where: string, entry: ProcessorEntry): Promise<string | undefined> {
    const { source, registry, logs, endpointPolicy, log } = this.#options;
    const { id, grpc_endpoint: endpoint } = entry;
    const refusal = await endpointPolicy(endpoint);
    if (refusal !== undefined) return `its endpoint is not allowed: ${refusal}`;
    const known = registry.get(id);
    if (known?.source === "docker" || known?.source === "kubernetes") {
      if (known.source !== source.name) return `${id} is registered by ${known.source} already`;
    }
    // Whoever finds it registered can send it commands.
    if (!known) await logs.ensure(id);
    if (!(await registry.declare(entry))) return `${id} is registered by ${known?.source}, which counts more`;
    if (known?.source !== source.name) log.info({ processor: id, where, endpoint }, "registered");
    else if (known.grpc_endpoint !== endpoint) {
      log.info({ processor: id, where, endpoint, before: known.grpc_endpoint }, "moved");
    }
    return undefined;
  }

  /** Withdraws an entry that has been missing for long enough, or says why it is kept. */
  async #miss({ id, grpc_endpoint: endpoint }: ProcessorEntry, since: number): Promise<string | undefined> {
    const { source, registry, logs, checkpoints, forgetMs, log } = this.#options;
    if (!this.#missingSince.has(id)) {
      log.info({ processor: id, endpoint, forgetMs }, "is gone, and is withdrawn unless it comes back");
    }
    if (performance.now() - since < forgetMs) return undefined;
    if ((await depthOf(logs, checkpoints, id)) > 0) {
      return "is gone, and kept because commands are queued for it: start it again, or remove it over REST";
    }
    await registry.withdraw(id, source.name);
    log.info({ processor: id, endpoint }, "withdrawn");
    return undefined;
  }

  /** Says each problem once, and again when it has changed or come back. */
  #tell(problems: ReadonlyMap<string, string>): void {
    const { source, log } = this.#options;
    for (const [where, problem] of problems) {
      if (this.#problems.get(where) !== problem) log.warn({ source: source.name }, `${where}: ${problem}`);
    }
    this.#problems = problems;
  }
}

/** Sleeps, but no longer than until the signal. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await sleep(ms, undefined, { signal }).catch(() => {});
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
