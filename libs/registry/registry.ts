import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { answeredWithin } from "../nats/answered-within.ts";
import { BucketView } from "../nats/bucket-view.ts";
import type { ProcessorEntry, Source } from "./processor-entry.ts";
import { entryProblem, isKept } from "./processor-entry.ts";

const formerKept = 10;

/**
 * Which processors exist and where their instances are: it reads from a view of the registry's bucket, and
 * changes the bucket.
 *
 * Every change is a compare-and-set on the entry's revision. So of two processes that change the same entry,
 * neither overwrites what the other has just written.
 */
export class Registry {
  readonly #bucket: KV;
  readonly #view: BucketView<ProcessorEntry>;

  private constructor(bucket: KV, view: BucketView<ProcessorEntry>) {
    this.#bucket = bucket;
    this.#view = view;
  }

  /**
   * Resolves once all of the bucket is read. `connection` has to be the bucket's. Rejects if the bucket
   * cannot be read.
   */
  static async open(bucket: KV, connection: NatsConnection): Promise<Registry> {
    return new Registry(bucket, await BucketView.open(bucket, connection, readEntry));
  }

  /** The processor with this id; undefined if there is none. */
  get(id: string): ProcessorEntry | undefined {
    return this.#view.get(id);
  }

  /** All processors, sorted by id. */
  list(): ProcessorEntry[] {
    return this.#view.list();
  }

  /** Calls `listener` after every change that this process sees, whoever made it. */
  onChange(listener: () => void): void {
    this.#view.onChange(listener);
  }

  /**
   * Registers or changes a processor, whichever source registered it before. Whether it is paused stays as it
   * is. Resolves to true if no processor had this id.
   */
  async put(entry: ProcessorEntry): Promise<boolean> {
    const { before } = await this.#view.change(entry.id, (known) => ({ ...entry, ...keptOf(known, entry) }));
    return before === undefined;
  }

  /**
   * Registers a processor as its source declares it, unless a source that counts more has registered the id:
   * then nothing changes. Whether it is paused stays as it is. Resolves to true if the processor is now registered
   * as declared.
   */
  async declare(entry: ProcessorEntry): Promise<boolean> {
    const { after } = await this.#view.change(entry.id, (known) =>
      known && isKept(known.source, entry.source) ? known : { ...entry, ...keptOf(known, entry) },
    );
    return after?.source === entry.source;
  }

  /** Removes a processor if this source has registered it. Resolves to whether it has. */
  async withdraw(id: string, source: Source): Promise<boolean> {
    const { before } = await this.#view.change(id, (known) => (known?.source === source ? undefined : known));
    return before?.source === source;
  }

  /**
   * Pauses a processor or resumes it, as a person wants it. Resolves to its entry, or to undefined if it is not
   * registered.
   */
  async setPaused(id: string, paused: boolean): Promise<ProcessorEntry | undefined> {
    const { after } = await this.#view.change(id, (known) => {
      if (!known) return undefined;
      const entry = withoutPause(known);
      return { ...entry, ...(paused && { paused: true }) };
    });
    return after;
  }

  /**
   * Pauses a processor for a program that will resume it by `resumeFor`. Changes nothing if it is paused
   * already. Resolves to the entry as it was before; undefined if it is not registered.
   */
  async pauseFor(id: string, program: string): Promise<ProcessorEntry | undefined> {
    const { before } = await this.#view.change(id, (known) =>
      known && !known.paused ? { ...known, paused: true, paused_by: program } : known,
    );
    return before;
  }

  /** Resumes a processor, if this program has paused it and no person has paused or resumed it since. */
  async resumeFor(id: string, program: string): Promise<void> {
    await this.#view.change(id, (known) => (known?.paused_by === program ? withoutPause(known) : known));
  }

  /** Removes a processor, whichever source registered it. Its log and its checkpoint stay. */
  async remove(id: string): Promise<void> {
    await this.#view.change(id, () => undefined);
  }

  /**
   * When the bucket was created. Rejects unless JetStream answers for it within `timeoutMs`. A connection
   * alone does not show that: the bucket may have no leader, or may be gone.
   */
  async created(timeoutMs: number): Promise<string> {
    return (await answeredWithin(this.#bucket.status(), timeoutMs)).streamInfo.created;
  }

  /** When the bucket was created whose processors `get` and `list` have. */
  get createdOfView(): string {
    return this.#view.created;
  }

  /** Looks whether the bucket was made anew, and if so reads it anew soon. */
  refresh(): Promise<void> {
    return this.#view.compare();
  }

  /** Stops following the bucket. */
  close(): void {
    this.#view.close();
  }
}

/** The entry that stands under an id. */
function readEntry(id: string, value: unknown): ProcessorEntry | undefined {
  const entry = value as ProcessorEntry;
  return entry.id === id && entryProblem(entry) === undefined ? entry : undefined;
}

/** What stays of an entry that is registered anew: whether it is paused, and where its instance was. */
function keptOf(
  known: ProcessorEntry | undefined,
  { grpc_endpoint }: ProcessorEntry,
): Pick<ProcessorEntry, "paused" | "paused_by" | "former_endpoints"> {
  if (!known) return {};
  const { paused, paused_by, former_endpoints: former = [] } = known;
  const others = [known.grpc_endpoint, ...former].filter((each) => each !== grpc_endpoint);
  const former_endpoints = [...new Set(others)].slice(0, formerKept);
  return {
    ...(paused && { paused }),
    ...(paused && paused_by !== undefined && { paused_by }),
    ...(former_endpoints.length > 0 && { former_endpoints }),
  };
}

function withoutPause({ paused: _, paused_by: __, ...entry }: ProcessorEntry): ProcessorEntry {
  return entry;
}
