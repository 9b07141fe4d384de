/** A file whose sending was begun, and of which nobody has seen the end. */
export interface BegunUpload {
  processor: string;
  name: string;
  size: number;
  lastModified: number;
  /** The Idempotency-Key under which it is sent. */
  key: string;
  begunAtMs: number;
  /** The line that was refused, where that has ended it: the file that goes on will be another one. */
  stoppedAtLine?: number;
}

/** As long as the gateway knows the key. */
const keptMs = 7 * 24 * 3_600_000;
const maxKept = 50;

/** What is known of a file without reading it. */
export type FileFacts = Pick<BegunUpload, "processor" | "name" | "size" | "lastModified">;

/** The uploads that a text has, as `formatBegun` wrote it; none where it is something else, or they are too old. */
export function parseBegun(text: string | null, nowMs: number): BegunUpload[] {
  try {
    const list: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(list) ? list.filter(({ begunAtMs }) => nowMs - begunAtMs < keptMs) : [];
  } catch {
    return [];
  }
}

export const formatBegun = (begun: readonly BegunUpload[]): string => JSON.stringify(begun.slice(-maxKept));

/** The upload of a file of this name to this processor that was begun last, if there is one. */
export const findBegun = (
  begun: readonly BegunUpload[],
  { processor, name }: Pick<FileFacts, "processor" | "name">,
): BegunUpload | undefined => begun.findLast((each) => each.processor === processor && each.name === name);

/** Whether a file is, as far as can be seen, the one that was begun; or the one that was to be corrected. */
export const isExpected = (
  begun: BegunUpload,
  { size, lastModified }: Pick<FileFacts, "size" | "lastModified">,
) => begun.stoppedAtLine !== undefined || (begun.size === size && begun.lastModified === lastModified);
