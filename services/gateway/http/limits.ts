import type { FastifyBaseLogger } from "fastify";

const mebibyte = 1024 * 1024;

/** What clients may take of the gateway (docs/operating.md, Limits on clients). */
export interface Limits {
  /** The largest body, and the longest line of a stream. */
  bodyBytes: number;
  /** How much memory all bodies in hand may take. */
  bodiesBytes: number;
  /** How much memory answers may take that are not written yet. */
  answersBytes: number;
  /** How long the headers of a request may take. */
  headersMs: number;
  /** How long a body may take that is no stream. */
  bodyMs: number;
  /** How long nothing may come of a body that is not complete, and nothing be read of an answer. */
  idleMs: number;
  /** How many connections there may be. */
  connections: number;
}

export const defaultLimits: Limits = {
  bodyBytes: 8 * mebibyte,
  bodiesBytes: 128 * mebibyte,
  answersBytes: 64 * mebibyte,
  headersMs: 20_000,
  bodyMs: 60_000,
  idleMs: 30_000,
  connections: 10_000,
};

/** What is said in the log when a limit is reached, by the limit's name in the metric. */
export const limitNames = {
  bodies: "bodies take more memory than BODIES_MAX_BYTES: requests are refused with a 503",
  answers: "answers take more memory than ANSWERS_MAX_BYTES: queries are refused with a 503",
  headers: "a request's headers took longer than HEADERS_TIMEOUT_MS: its connection was closed",
  body: "a body took longer than BODY_TIMEOUT_MS: its connection was closed",
  upload: "nothing came of a body for IDLE_TIMEOUT_MS: its connection was closed",
  unread: "nothing was read of an answer for IDLE_TIMEOUT_MS: its connection was closed",
  idle: "there are MAX_CONNECTIONS connections: the one that was idle for longest was closed",
  connections: "there are MAX_CONNECTIONS connections and none is idle: requests are refused with a 503",
} as const;

export type LimitName = keyof typeof limitNames;

/** Takes note that a limit was reached. */
export type LimitReached = (limit: LimitName) => void;

const sayAgainMs = 60_000;

/**
 * Reports each time that a limit is reached: `count` counts it. The log has it once, and once a minute while it
 * goes on.
 */
export function limitReports(log: FastifyBaseLogger, count: LimitReached): LimitReached {
  const said = new Map<LimitName, { atMs: number; since: number }>();
  return (limit) => {
    count(limit);
    const now = performance.now();
    const last = said.get(limit);
    if (last && now - last.atMs < sayAgainMs) {
      last.since++;
      return;
    }
    said.set(limit, { atMs: now, since: 0 });
    log.warn({ limit, ...(last && { more: last.since }) }, limitNames[limit]);
  };
}
