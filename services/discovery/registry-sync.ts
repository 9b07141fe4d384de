import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import { discoverySources } from "../../libs/registry/processor-entry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import type { GatewayClient, Registered } from "./gateway-client.ts";
import { GatewayRefusal } from "./gateway-client.ts";
import { selectEntries } from "./select-entries.ts";
import type { DiscoveredInstance, DiscoverySource } from "./sources/source.ts";

/** The source, the gateway whose registry to sync, and what is needed for it. */
export interface RegistrySyncOptions {
  source: DiscoverySource;
  gateway: GatewayClient;
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

/** A list that came to nothing because no gateway could be asked is made again after this time. */
const gatewayAgainMs = 2_000;

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
  /** Why no gateway can be asked; undefined if one could be, the last time. */
  #gatewayFailure: string | undefined;

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
      const isLeft = this.#gatewayFailure !== undefined;
      const againMs = isLeft ? Math.min(gatewayAgainMs, listEveryMs) : listEveryMs;
      await Promise.race([pause(againMs, AbortSignal.any([stopping, period.signal])), hint]);
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
    await this.#apply(instances, stopping);
  }

  /** Makes the registry's entries equal to a list. If no gateway can be asked, what is left to do is left. */
  async #apply(instances: DiscoveredInstance[], stopping: AbortSignal): Promise<void> {
    const { source, gateway, log } = this.#options;
    const { entries, ids, problems } = selectEntries(instances, source.name);
    this.#missingSince = new Map([...this.#missingSince].filter(([id]) => !ids.has(id)));
    try {
      const registered = await gateway.list(stopping);
      const known = new Map(registered.map((each) => [each.id, each]));
      for (const { where, entry } of entries) {
        const problem = await this.#register(where, entry, known.get(entry.id), stopping).catch(problemOf);
        if (problem !== undefined) problems.set(where, problem);
      }
      const missing = registered.filter((each) => each.source === source.name && !ids.has(each.id));
      this.#noteMissing(missing);
      for (const each of missing) {
        const problem = await this.#withdrawWhenDue(each, stopping).catch(problemOf);
        if (problem !== undefined) problems.set(each.id, problem);
      }
    } catch (error) {
      if (!stopping.aborted) this.#noteGatewayFailure(messageOf(error));
      return;
    }
    if (this.#gatewayFailure !== undefined) log.info({ source: source.name }, "a gateway can be asked again");
    this.#gatewayFailure = undefined;
    this.#logProblems(problems);
  }

  #noteGatewayFailure(reason: string): void {
    const { source, log } = this.#options;
    if (reason === this.#gatewayFailure) return;
    log.warn({ source: source.name, reason }, "no gateway can be asked, all entries stay");
    this.#gatewayFailure = reason;
  }

  /** Registers an entry, or brings it up to date. Returns why it cannot, or undefined. */
  async #register(
    where: string,
    entry: ProcessorEntry,
    known: Registered | undefined,
    stopping: AbortSignal,
  ): Promise<string | undefined> {
    const { source, gateway, log } = this.#options;
    const { id, name, grpc_endpoint: endpoint } = entry;
    if (known && known.source !== source.name) {
      const isOtherDiscovery = discoverySources.some((each) => each === known.source);
      return `${id} is registered by ${known.source}${isOtherDiscovery ? " already" : ", which counts more"}`;
    }
    if (known?.endpoint === endpoint && known.name === name) return undefined;
    await gateway.register(entry, stopping);
    if (!known) log.info({ processor: id, where, endpoint }, "registered");
    else if (known.endpoint !== endpoint) {
      log.info({ processor: id, where, endpoint, before: known.endpoint }, "moved");
    }
    return undefined;
  }

  #noteMissing(missing: Registered[]): void {
    const { forgetMs, log } = this.#options;
    const before = this.#missingSince;
    for (const { id, endpoint } of missing) {
      if (before.has(id)) continue;
      log.info({ processor: id, endpoint, forgetMs }, "is gone, and is withdrawn unless it comes back");
    }
    this.#missingSince = new Map(missing.map(({ id }) => [id, before.get(id) ?? performance.now()]));
  }

  /** Withdraws an entry that is missing, if that is long enough. Returns why it has to stay, or undefined. */
  async #withdrawWhenDue({ id, endpoint }: Registered, stopping: AbortSignal): Promise<string | undefined> {
    const { source, gateway, forgetMs, log } = this.#options;
    const now = performance.now();
    if (now - (this.#missingSince.get(id) ?? now) < forgetMs) return undefined;
    try {
      await gateway.withdraw(id, source.name, stopping);
    } catch (error) {
      const code = error instanceof GatewayRefusal ? error.code : undefined;
      if (code === "still-queued") {
        return "is gone, and kept because commands are queued for it: start it again, or remove it over REST";
      }
      // Somebody else has removed it, or has registered it in another way.
      if (code === "processor-not-found") return undefined;
      throw error;
    }
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

/** What is wrong with one entry. Throws what is wrong with all. */
function problemOf(error: unknown): string {
  if (error instanceof GatewayRefusal) return `the gateway refuses it: ${error.message}`;
  throw error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
