import type { IngestionReport } from "./types/bulk.ts";
import type { Problem } from "./types/gateway.ts";

/** A problem as it may come: with what a bulk request has stored, and perhaps from something before the gateway. */
export type AnyProblem = Partial<Problem> & Partial<IngestionReport>;

/** Whether a request that failed has changed something; `unknown` where nobody can say. */
export type Effect = "none" | "applied" | "unknown";

/** The code of a request that nobody has answered. All other codes are the gateway's. */
export const unreachable = "UNREACHABLE";

/** Every failure of a request. `code` and `effect` are for programs, the message is for people. */
export class KatoError extends Error {
  override readonly name = "KatoError";
  /** The code of docs/api.md#errors, as `PROCESSOR_NOT_FOUND`; `UNREACHABLE` where nobody has answered, `HTTP_…` or `NO_GATEWAY` where something else has. */
  readonly code: string;
  /** The HTTP status; 0 where nobody has answered. */
  readonly status: number;
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;
  readonly effect: Effect;
  /** After how many seconds it makes sense to try again, where that is known. */
  readonly retryAfterSeconds: number | undefined;
  /** Every field of the problem that was answered. */
  readonly problem: AnyProblem;

  constructor(
    code: string,
    {
      problem = {},
      status = problem.status ?? 0,
      detail = problem.detail ?? code,
      effect = problem.effect ?? "unknown",
      retryable = problem.retryable ?? false,
      retryAfterSeconds,
      cause,
    }: {
      problem?: AnyProblem;
      status?: number;
      detail?: string;
      effect?: Effect;
      retryable?: boolean;
      retryAfterSeconds?: number | undefined;
      cause?: unknown;
    },
  ) {
    super(detail, { cause });
    this.code = code;
    this.status = status;
    this.retryable = retryable;
    this.effect = effect;
    this.retryAfterSeconds = retryAfterSeconds;
    this.problem = problem;
  }
}

/** The error for an answer that is no success. `mayChange` says whether the request could have changed something. */
export function errorOfAnswer(
  { status, text, retryAfter }: { status: number; text: string; retryAfter: string | null },
  mayChange: boolean,
): KatoError {
  const problem = problemIn(text);
  const code = problem.type?.startsWith("urn:kato:problem:")
    ? problem.type.slice("urn:kato:problem:".length).toUpperCase().replaceAll("-", "_")
    : `HTTP_${status}`;
  // What a balancer says in place of the gateway tells nothing of the effect.
  const effect = problem.effect ?? (mayChange && status >= 500 ? "unknown" : "none");
  const seconds = Number(retryAfter ?? Number.NaN);
  return new KatoError(code, {
    problem,
    status,
    detail: problem.detail ?? `HTTP ${status} of something that is no KATO gateway`,
    effect,
    retryable: problem.retryable ?? [429, 502, 503, 504].includes(status),
    retryAfterSeconds: Number.isFinite(seconds) ? seconds : undefined,
  });
}

function problemIn(text: string): AnyProblem {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** What the platform says when a connection was not made, so that nothing can have been sent. */
const notConnected =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT|UND_ERR_CONNECT_TIMEOUT)$|CERT|SIGNATURE|ERR_TLS|ERR_SSL|EPROTO/;

/** The error for a request that was not answered. */
export function errorOfConnection(reason: unknown, url: string, mayChange: boolean): KatoError {
  const code = codeOf(reason);
  const isSent = !notConnected.test(code);
  const why = code || (reason instanceof Error ? reason.message : String(reason));
  return new KatoError(unreachable, {
    detail: `${isSent ? "the connection broke" : "no gateway can be reached"} at ${url} (${why})`,
    effect: mayChange && isSent ? "unknown" : "none",
    retryable: true,
    cause: reason,
  });
}

/** The code of an error or of its cause; `fetch` hides it there. */
function codeOf(reason: unknown): string {
  if (!(reason instanceof Error)) return "";
  if ("code" in reason && typeof reason.code === "string") return reason.code;
  return codeOf(reason.cause);
}
