import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** A folder in memory, as Linux has it. */
const memory = "/dev/shm";
/** Tests of four files at a time were seen to need a tenth of it. */
const wantedBytes = 2 * 1024 ** 3;

/**
 * Variables for tests that make their nats-servers store in memory, until this process ends. They are none where there is
 * not enough. A run of all tests starts and removes hundreds of servers, and for minutes after many files were deleted
 * ext4 makes new ones slowly: that took a fifth of the CPU time of all tests. A test proves as much: what a killed
 * process has written is kept in memory as it is in the cache of a disk.
 */
export function natsFolderEnv(): NodeJS.ProcessEnv {
  if (freeBytes(memory) < wantedBytes) return {};
  const folder = mkdtempSync(join(memory, "kato-tests-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return { TEST_NATS_FOLDER: folder };
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
