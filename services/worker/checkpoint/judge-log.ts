import type { LogFacts } from "../../../libs/commands/log/log-identity.ts";
import type { KnownLog } from "./checkpoint.ts";
import type { LostCommands } from "./lost-commands.ts";

/** What a log shows that is to be compared with what is known of it. */
export interface FoundLog extends LogFacts {
  /** Unix ms at which the command at `latest` was stored; undefined if the log does not have it. */
  latestStoredAtMs: number | undefined;
  /** The first sequence of a command that was stored later than `latest`; undefined if there is none. */
  firstLater: number | undefined;
  /** The first sequence of a command that was stored after `end` was seen; undefined if there is none. */
  firstUnseen: number | undefined;
}

export type LogVerdict =
  /** It is the log that was read. */
  | { kind: "same" }
  /** Commands are gone. */
  | ({ kind: "lost" } & LostCommands)
  /** It is not the log that was read, and nobody can tell which of its commands are new. */
  | { kind: "unclear"; why: string };

/**
 * Whether the log is still the one that `known` was taken from. Sequences and the times of storing rise
 * together. So a command that stands at or below `latest` and was stored later is a new one: the log has gone
 * back, or was made anew, and has grown since. So is one that stands at or below `end` and was stored after `end`
 * was seen. `applied` is the checkpoint's.
 */
export function judgeLog(known: KnownLog, applied: number, found: FoundLog): LogVerdict {
  const { latest } = known;
  if (known.id !== null && found.id !== undefined && found.id !== known.id) {
    return { kind: "unclear", why: "the log is another one than that which was applied" };
  }
  const isAnew = known.id !== null && found.id === undefined;
  const through = Math.max(latest.sequence, known.end, applied);
  // Older versions have kept no times. Without them nobody can tell which commands are new.
  if (latest.storedAtMs === 0 && found.last >= through) return { kind: "same" };
  if (latest.storedAtMs === 0 && found.messages > 0) {
    return {
      kind: "unclear",
      why: "the log has lost commands, and it is not known which of the others are new",
    };
  }
  // Older versions have noted one command in ten thousand as stored a millisecond later than it was.
  const notedLateMs = latest.storedAtMs - (found.latestStoredAtMs ?? latest.storedAtMs);
  const isOther = notedLateMs !== 0 && notedLateMs !== 1;
  const isOvergrown = found.firstLater !== undefined && found.firstLater <= latest.sequence;
  const isCut = found.firstUnseen !== undefined && found.firstUnseen <= known.end;
  if (!isAnew && !isOther && !isOvergrown && !isCut && found.last >= through) return { kind: "same" };
  // Of a log that was made anew all is gone that was there before.
  if (isAnew && through === 0) return { kind: "same" };
  const newFrom = found.firstLater ?? (isCut ? found.firstUnseen : undefined) ?? found.last + 1;
  const lost: LogVerdict = { kind: "lost", from: isAnew ? 1 : newFrom, through, newFrom };
  if (found.messages === 0) return lost;
  if (found.nowMs !== undefined && found.nowMs < latest.storedAtMs) {
    return { kind: "unclear", why: "the log has lost commands, and the clock of NATS is behind" };
  }
  if (isAnew && (found.firstStoredAtMs ?? 0) <= latest.storedAtMs) {
    return { kind: "unclear", why: "the log was made anew, with commands that are not new" };
  }
  if (isOther && found.firstLater === undefined) {
    return { kind: "unclear", why: "the log has another command where the latest one was" };
  }
  return lost;
}
