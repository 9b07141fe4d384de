import { setTimeout as sleep } from "node:timers/promises";

/** What is told of a command in a log. */
export interface Told {
  sequence: number;
  outcome: string | null;
}

/** A log that is followed. */
export interface Followed<T extends Told> {
  /** The wanted commands from a sequence on, in sequence, and where to go on if there are more. May reject. */
  page(from: number): Promise<{ commands: T[]; next?: number | undefined }>;
  /** How far its processor is, and where the log ends, as its worker reports it. Knowing this costs nothing. */
  progress(): { applied: number; last: number };
}

/** The log is looked at this often while its processor goes on. */
const lookEveryMs = 250;
/** And this often while it does not: a report may be missing, and outcomes are found out later. */
const idleLookEveryMs = 2_000;
/** So many commands before the end are looked at again, as they may have come to their end since. */
const lookedAtAgain = 1_000;

/**
 * Yields the commands of a log from a sequence on: those that are there, and each that comes, in sequence, and once
 * more when it has another outcome. It yields nothing but an empty list after `quietMs` without any. Ends when the
 * signal is aborted. While NATS does not answer nothing comes.
 */
export async function* followLog<T extends Told>(
  followed: Followed<T>,
  { from, quietMs, signal }: { from: number; quietMs: number; signal: AbortSignal },
): AsyncGenerator<T[]> {
  const told = new Map<number, string | null>();
  let next = from;
  let end = from;
  let toldAt = performance.now();
  while (!signal.aborted) {
    const before = followed.progress();
    const lookedAt = performance.now();
    const page = await followed.page(next).catch(() => undefined);
    const news = page?.commands.filter(({ sequence, outcome }) => told.get(sequence) !== outcome) ?? [];
    for (const { sequence, outcome } of news) told.set(sequence, outcome);
    if (news.length > 0 || performance.now() - toldAt >= quietMs) {
      toldAt = performance.now();
      yield news;
    }
    if (page?.next !== undefined) {
      next = page.next;
      continue;
    }
    if (page) {
      const latest = page.commands.at(-1)?.sequence ?? 0;
      end = Math.max(end, next, latest + 1, before.last + 1);
      next = Math.max(from, end - lookedAtAgain, Math.min(before.applied + 1, end));
      for (const sequence of told.keys()) if (sequence < next) told.delete(sequence);
    }
    await untilChanged(followed, before, lookedAt, signal);
  }
}

async function untilChanged(
  followed: Pick<Followed<Told>, "progress">,
  before: { applied: number; last: number },
  lookedAt: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
    const { applied, last } = followed.progress();
    const isChanged = applied !== before.applied || last !== before.last;
    if (signal.aborted || isChanged || performance.now() - lookedAt >= idleLookEveryMs) return;
  }
}
