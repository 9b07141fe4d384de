import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CliError, exitCodes, usage } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";

/** The gateway knows a key for seven days. After that it would store everything again. */
const keptMs = 7 * 86_400_000 - 3_600_000;

interface Begun {
  key: string;
  begun_at: string;
  /** What has to be the same, so that the lines are. */
  same: string;
}

/** An ingestion of a file, which goes on under its key until it is done. */
export interface BegunIngest {
  readonly key: string;
  /** When it was begun; undefined if that is now. */
  readonly begunAt: string | undefined;
  /** Forgets it, so that the same command ingests the file once more. */
  end(): void;
}

/**
 * Finds what the same command has begun before, or takes note that it begins. Throws where the file has changed since,
 * and where it was so long ago that the gateway may not know it any more.
 */
export function beginIngest(
  { variables }: Pick<Io, "variables">,
  {
    url,
    processor,
    file,
    options,
    restart,
  }: { url: string; processor: string; file: string; options: unknown; restart: boolean },
): BegunIngest {
  const folder = join(
    variables.XDG_STATE_HOME || join(variables.HOME || homedir(), ".local/state"),
    "kato/ingests",
  );
  const path = realpathSync(file);
  const { size, mtimeMs } = statSync(path);
  const same = JSON.stringify({ size, mtimeMs, options });
  const name = createHash("sha256")
    .update(JSON.stringify([url, processor, path]))
    .digest("hex")
    .slice(0, 32);
  const note = join(folder, `${name}.json`);
  const end = () => rmSync(note, { force: true });
  const found = restart ? undefined : readNote(note);
  if (found) {
    const isOld = Date.now() - Date.parse(found.begun_at) > keptMs;
    const why =
      found.same !== same ? "it, or how it is read, has changed since" : "that is too long ago to go on";
    if (isOld || found.same !== same) {
      const what = `${file} was begun on ${found.begun_at} and not finished, and ${why}`;
      throw new CliError(exitCodes.refused, `${what}: --restart sends all of it as new`);
    }
    return { key: found.key, begunAt: found.begun_at, end };
  }
  const begun: Begun = { key: randomUUID(), begun_at: new Date().toISOString(), same };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(note, JSON.stringify(begun), { mode: 0o600 });
  } catch {
    const remedy = "set XDG_STATE_HOME to a folder that can be written, or give --idempotency-key";
    throw usage(`${folder} cannot be written, so it could not go on where it stops: ${remedy}`);
  }
  return { key: begun.key, begunAt: undefined, end };
}

/** A note that cannot be read was not written to its end, so nothing was sent after it. */
function readNote(file: string): Begun | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
