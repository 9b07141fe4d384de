import { readFileSync } from "node:fs";
import { probeConnections } from "./connections.ts";
import type { Limits } from "./limits.ts";

/** What the process opens besides clients' connections: to NATS, files, the listening socket. */
const otherFiles = 100;

/** The limits with no more connections than the process may have files open. */
export function withinOpenFiles(limits: Limits, log: { warn(about: object, text: string): void }): Limits {
  const room = openFiles() - otherFiles - probeConnections;
  if (room >= limits.connections) return limits;
  const connections = Math.max(room, 10);
  log.warn(
    { connections },
    "the limit of open files (ulimit -n) allows fewer connections than MAX_CONNECTIONS",
  );
  return { ...limits, connections };
}

/** How many files the process may have open; without end if the system does not say. */
function openFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
