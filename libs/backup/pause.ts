import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessorEntry } from "../registry/processor-entry.ts";
import type { Registry } from "../registry/registry.ts";
import { BackupError } from "./backup-error.ts";

const resumeAttempts = 30;
const resumeAgainMs = 1_000;

export interface PauseOptions {
  registry: Registry;
  /** The name of the backup, which stands in the registry while it has a processor paused. */
  program: string;
  progress: (line: string) => void;
}

/**
 * Does a task while a processor is paused. The task is given the processor's entry as it was before; undefined
 * if it is not registered. Rejects if somebody has resumed it meanwhile. Afterwards, and also if the task fails,
 * the processor is resumed, unless it was paused before or a person has paused it since. While NATS is away that
 * is tried for 30 s.
 */
export async function whilePaused<T>(
  { registry, program, progress }: PauseOptions,
  id: string,
  task: (before: ProcessorEntry | undefined) => Promise<T>,
): Promise<T> {
  try {
    const before = await registry.pauseFor(id, program);
    if (before?.paused_by !== undefined) {
      progress(`${id} was left paused by the ${before.paused_by}; POST /processors/${id}/resume resumes it`);
    }
    const done = await task(before);
    const after = before && (await registry.pauseFor(id, program));
    if (before && !after?.paused) {
      throw resumedMeanwhile(id);
    }
    return done;
  } finally {
    await resume(registry, id, program);
  }
}

export function resumedMeanwhile(id: string): BackupError {
  return new BackupError(`somebody has resumed or removed ${id} while it was being copied: begin anew`);
}

async function resume(registry: Registry, id: string, program: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await registry.resumeFor(id, program);
    } catch (cause) {
      if (attempt === resumeAttempts) {
        const what = `${id} could not be resumed and is still paused: POST /processors/${id}/resume`;
        throw new BackupError(what, { cause });
      }
      await sleep(resumeAgainMs);
    }
  }
}
