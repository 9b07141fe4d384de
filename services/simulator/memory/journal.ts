import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/**
 * The emotives of a model, as MongoDB keeps them: one object for each Learn that had any. KATO writes `{}`,
 * which is no list, if the first Learn of a model had none, and no later Learn can add to that.
 */
export type EmotiveRecord = Record<string, number>[] | Record<string, never>;

/** One write to MongoDB: what is put or deleted, and all of its new value. */
export type Change =
  | { put: "model"; name: string; frequency: number; emotives?: EmotiveRecord; sequence?: string[][] }
  | { put: "symbol"; name: string; members: number }
  | { put: "totals"; memberships: number; learned: number }
  | { put: "vector"; name: string; values: readonly number[] }
  | { delete: "model"; name: string }
  | { delete: "everything" };

/** Where the simulator stores what KATO would write to MongoDB. */
export interface Journal {
  /** All changes that were stored before this start, in order. */
  changes(): Iterable<Change>;
  /** Stores a change. After it has returned, a SIGKILL does not lose the change. */
  append(change: Change): void;
  /** Replaces all stored changes by `snapshot`, if they are far more. Both have to lead to the same state. */
  compact(snapshot: readonly Change[]): void;
  /**
   * Whether to behave as if MongoDB could not be reached. That is so while the folder has a file
   * `mongodb-away`.
   */
  isAway(): boolean;
  close(): void;
}

/** A journal that stores nothing: what is learned is lost with the process. */
export const noJournal: Journal = {
  changes: () => [],
  append: () => {},
  compact: () => {},
  isAway: () => false,
  close: () => {},
};

/**
 * Opens the journal of a processor: a file of JSON lines, one line for each change. A last line that is not
 * whole is removed: the process died while writing it, so nobody was told of that change.
 */
export function openJournal(folder: string, processor: string): Journal {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${encodeURIComponent(processor)}.jsonl`);
  const away = join(folder, "mongodb-away");
  let file = openSync(path, "a+");
  let size = removeTornLine(path, file);
  let lines = 0;
  return {
    changes: () => {
      const texts = readFileSync(path, "utf8").split("\n").slice(0, -1);
      lines = texts.length;
      return texts.map((text): Change => JSON.parse(text));
    },
    append: (change) => {
      const line = Buffer.from(`${JSON.stringify(change)}\n`);
      try {
        // Without fsync the line is in the page cache. That survives this process, though not a crash of the
        // machine.
        for (let done = 0; done < line.length; ) done += writeSync(file, line, done);
      } catch (error) {
        ftruncateSync(file, size);
        throw error;
      }
      size += line.length;
    },
    compact: (snapshot) => {
      if (lines < 2 * snapshot.length + 100) return;
      const next = `${path}.next`;
      writeFileSync(next, snapshot.map((change) => `${JSON.stringify(change)}\n`).join(""));
      renameSync(next, path);
      closeSync(file);
      file = openSync(path, "a+");
      size = statSync(path).size;
    },
    isAway: () => existsSync(away),
    close: () => closeSync(file),
  };
}

/** Removes a last line that is not whole, and returns the size of the file then, in bytes. */
function removeTornLine(path: string, file: number): number {
  const size = readFileSync(path).lastIndexOf("\n") + 1;
  ftruncateSync(file, size);
  return size;
}
