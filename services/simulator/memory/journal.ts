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
 * The emotives of a model, as MongoDB keeps them: one object for each Learn that had any. KATO writes `{}`, which is no
 * list, if the first Learn of a model had none, and no later Learn can add to that.
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

/** Where the writes to MongoDB go. */
export interface Journal {
  /** Every change kept from before, in order. */
  changes(): Iterable<Change>;
  /** Keeps one change; once it returns, a SIGKILL does not lose it. */
  append(change: Change): void;
  /** Replaces what is kept by the snapshot, if it has grown well beyond it. */
  compact(snapshot: readonly Change[]): void;
  /** Whether MongoDB is to be played as one that cannot be reached: while there is a file `mongodb-away` in the folder. */
  isAway(): boolean;
  close(): void;
}

/** A journal that keeps nothing: what is learned lasts as long as the process. */
export const noJournal: Journal = {
  changes: () => [],
  append: () => {},
  compact: () => {},
  isAway: () => false,
  close: () => {},
};

/** A journal in a file of JSON lines, one for each change. A torn last line, which no answer has followed, is dropped. */
export function openJournal(folder: string, processor: string): Journal {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${encodeURIComponent(processor)}.jsonl`);
  const away = join(folder, "mongodb-away");
  let file = openSync(path, "a+");
  let size = dropTornLine(path, file);
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
        // In the page cache it outlives this process; only a machine's crash would need an fsync, and this is no database.
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

/** The file's size after the drop. */
function dropTornLine(path: string, file: number): number {
  const size = readFileSync(path).lastIndexOf("\n") + 1;
  ftruncateSync(file, size);
  return size;
}
