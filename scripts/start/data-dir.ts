import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const stopTimeoutMs = 10_000;

/**
 * A process as the file `pid` has it. Process ids are used again, so a text of its command line is there too.
 */
interface RecordedProcess {
  pid: number;
  command: string;
}

export interface DataDirLock {
  /** Notes another process that uses the folder. */
  add(pid: number | undefined, command: string): void;
  release(): void;
}

/**
 * Locks a data folder for this process. Throws if another `npm start` that runs has it. If one was killed,
 * the processes that it left behind are ended first: two nats-servers on one folder would destroy it.
 */
export async function lockDataDir(dir: string, say: (line: string) => void): Promise<DataDirLock> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, "pid");
  const [owner, ...children] = read(file).filter(isRunning);
  if (owner?.command === "scripts/start.ts") {
    throw new Error(`${dir} is in use by another npm start (process ${owner.pid}): stop it, or set DATA_DIR`);
  }
  const leftBehind = owner ? [owner, ...children] : [];
  if (leftBehind.length > 0) {
    say(`ending ${leftBehind.length} processes that an earlier npm start left behind`);
    await Promise.all(leftBehind.map(end));
  }
  rmSync(file, { force: true });
  // It fails if another process was quicker.
  writeFileSync(file, line({ pid: process.pid, command: "scripts/start.ts" }), { flag: "wx" });
  return {
    add: (pid, command) => void (pid && appendFileSync(file, line({ pid, command }))),
    release: () => rmSync(file, { force: true }),
  };
}

function line({ pid, command }: RecordedProcess): string {
  return `${pid} ${command}\n`;
}

function read(file: string): RecordedProcess[] {
  try {
    const lines = readFileSync(file, "utf8").trim().split("\n");
    return lines.map((text) => ({ pid: Number.parseInt(text, 10), command: text.replace(/^\d+ /, "") }));
  } catch {
    return [];
  }
}

function isRunning({ pid, command }: RecordedProcess): boolean {
  return pid > 0 && pid !== process.pid && commandLine(pid).includes(command);
}

/** The command line of a process; "" if there is no such process. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    // Not every system has a /proc.
  }
  try {
    return execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8", stdio: "pipe" });
  } catch {
    return "";
  }
}

async function end(recorded: RecordedProcess): Promise<void> {
  process.kill(recorded.pid, "SIGTERM");
  const deadline = Date.now() + stopTimeoutMs;
  while (isRunning(recorded)) {
    if (Date.now() > deadline) process.kill(recorded.pid, "SIGKILL");
    await sleep(50);
  }
}
