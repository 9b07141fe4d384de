import type { MsgHdrs } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";
import { deadLetterStream, deadLetterSubject } from "../commands/outcomes/dead-letters.ts";
import type { BucketName } from "../nats/buckets.ts";
import { allBuckets, bucketStream, keySubject } from "../nats/buckets.ts";

/**
 * One message of a stream that all processors share: a key of a bucket, or a dead letter. A backup has a line of
 * JSON for each. Of several with one subject the last one counts.
 */
export interface Entry {
  stream: string;
  subject: string;
  headers?: Record<string, string[]>;
  /** Base64. */
  data: string;
}

/** The messages of one processor in a stream that it shares with others. */
export interface EntrySource {
  stream: string;
  subject: string;
}

/** Which keys of a bucket a backup of a processor has. TypeScript asks for a decision about each new bucket. */
const keysOf: Record<BucketName, (processor: string) => string[]> = {
  checkpoints: (processor) => [processor, `${processor}.>`],
  outcomes: (processor) => [`${processor}.>`],
  ingestions: (processor) => [`${processor}.>`],
  // A backup has the registry's entries in its manifest.
  registry: () => [],
  // They are about workers that run, and mean nothing to those that are started later.
  leases: () => [],
  lateCalls: () => [],
  // They belong to no processor, and are copied where somebody asks for it.
  keys: () => [],
};

/**
 * Where a processor's checkpoint is. It is to be copied first: of the counts of an ingestion that moves from the
 * checkpoint to its bucket meanwhile, the copy has both then.
 */
export const checkpointSources = (processor: string) => sourcesIn(["checkpoints"], processor);

/** Where everything else of a processor is that is in a backup, except its log. */
export const otherSources = (processor: string): EntrySource[] => [
  ...sourcesIn(
    allBuckets.filter((bucket) => bucket !== "checkpoints"),
    processor,
  ),
  { stream: deadLetterStream, subject: deadLetterSubject(processor, "*") },
];

/** Where the keys of clients are. Of each there is a hash. */
export const keySources: EntrySource[] = [{ stream: bucketStream("keys"), subject: keySubject("keys", ">") }];

function sourcesIn(buckets: BucketName[], processor: string): EntrySource[] {
  return buckets.flatMap((bucket) =>
    keysOf[bucket](processor).map((key) => ({
      stream: bucketStream(bucket),
      subject: keySubject(bucket, key),
    })),
  );
}

/** The streams that entries of a backup may belong to. */
export const entryStreams: ReadonlySet<string> = new Set(
  [...checkpointSources("p"), ...otherSources("p"), ...keySources].map(({ stream }) => stream),
);

/** A message as an entry. NATS's own headers are left out: they are conditions under which it was written. */
export function entryOf(
  stream: string,
  message: { subject: string; data: Uint8Array; headers?: MsgHdrs | undefined },
): Entry {
  const kept = [...(message.headers ?? [])].filter(([name]) => !name.startsWith("Nats-"));
  return {
    stream,
    subject: message.subject,
    ...(kept.length > 0 && { headers: Object.fromEntries(kept) }),
    data: Buffer.from(message.data).toString("base64"),
  };
}

/** The headers of an entry, as nats.js takes them. */
export function headersOf(entry: Entry): MsgHdrs {
  const all = headers();
  for (const [name, values] of Object.entries(entry.headers ?? {})) {
    for (const value of values) all.append(name, value);
  }
  return all;
}
