/**
 * Every failure that this system reports: the HTTP status and the title of its problem document, and whether
 * the same request can succeed later (`retryable`). The codes are part of the API.
 */
export const errorCatalog = {
  BODY_NOT_JSON: { status: 400, retryable: false, title: "The body is not JSON" },
  BAD_REQUEST: { status: 400, retryable: false, title: "The request cannot be read" },
  UNAUTHENTICATED: { status: 401, retryable: false, title: "Nobody knows who you are" },
  FORBIDDEN: { status: 403, retryable: false, title: "Your grants do not have this" },
  CROSS_SITE: { status: 403, retryable: false, title: "Not from a page of another origin" },
  ROUTE_NOT_FOUND: { status: 404, retryable: false, title: "No such path" },
  PROCESSOR_NOT_FOUND: { status: 404, retryable: false, title: "Unknown processor" },
  COMMAND_NOT_FOUND: { status: 404, retryable: false, title: "Unknown command" },
  DEAD_LETTER_NOT_FOUND: { status: 404, retryable: false, title: "Unknown dead letter" },
  MODEL_NOT_FOUND: { status: 404, retryable: false, title: "Unknown model" },
  VECTOR_NOT_FOUND: { status: 404, retryable: false, title: "Unknown vector" },
  KEY_NOT_FOUND: { status: 404, retryable: false, title: "Unknown key" },
  INGESTION_NOT_FOUND: { status: 404, retryable: false, title: "Unknown ingestion" },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false, title: "The path does not have this method" },
  REQUEST_TIMEOUT: { status: 408, retryable: true, title: "The request did not come in time" },
  STILL_QUEUED: { status: 409, retryable: true, title: "Commands are still queued" },
  NOT_HELD: { status: 409, retryable: false, title: "The processor is not held" },
  KEYS_FULL: { status: 409, retryable: false, title: "Too many keys" },
  OUTRANKED: { status: 409, retryable: false, title: "Another source has registered the processor" },
  REGISTRY_FULL: { status: 409, retryable: false, title: "Too many processors are registered" },
  PAUSED: { status: 409, retryable: true, title: "The processor is paused" },
  KEY_RUNNING: {
    status: 409,
    retryable: true,
    title: "A request with this Idempotency-Key is still running",
  },
  TOO_LARGE: { status: 413, retryable: false, title: "The request is too large" },
  HOST_NOT_EXPECTED: { status: 421, retryable: false, title: "The gateway has another name" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false, title: "The form of the body is not supported" },
  INVALID_INPUT: { status: 422, retryable: false, title: "The request is not valid" },
  KATO_REJECTED: { status: 422, retryable: false, title: "KATO refused the input" },
  KEY_REUSED: { status: 422, retryable: false, title: "The Idempotency-Key was used for another request" },
  QUEUE_FULL: { status: 429, retryable: true, title: "Too much waits for this processor" },
  QUEUE_TOO_LONG: { status: 429, retryable: true, title: "The queue is too long for the time asked for" },
  RECORDS_FULL: { status: 429, retryable: true, title: "Too many outcomes are kept" },
  LOG_FULL: { status: 429, retryable: true, title: "The command log is full" },
  RATE_LIMITED: { status: 429, retryable: true, title: "You ask for too much at once" },
  HEADERS_TOO_LARGE: { status: 431, retryable: false, title: "The head of the request is too long" },
  INTERNAL: { status: 500, retryable: false, title: "Internal error" },
  NOT_SUPPORTED: { status: 501, retryable: false, title: "This KATO cannot do that" },
  KATO_FAILED: { status: 502, retryable: false, title: "KATO failed" },
  ANSWER_TOO_LARGE: { status: 502, retryable: false, title: "The answer is too large" },
  INSTANCE_UNAVAILABLE: { status: 503, retryable: true, title: "The KATO instance cannot be reached" },
  NOT_OWNED: { status: 503, retryable: true, title: "No worker runs this processor" },
  HELD: { status: 503, retryable: true, title: "The processor is held until an operator decides" },
  QUEUE_PAUSED: { status: 503, retryable: true, title: "The processor is paused, and much waits" },
  OVERLOADED: { status: 503, retryable: true, title: "The gateway has too much in hand" },
  GATEWAY_STOPPING: { status: 503, retryable: true, title: "The gateway is being stopped" },
  STORE_FULL: { status: 503, retryable: true, title: "NATS's storage is full" },
  AUTH_UNAVAILABLE: {
    status: 503,
    retryable: true,
    title: "Nobody can say now whether the credentials count",
  },
  NATS_UNAVAILABLE: { status: 503, retryable: true, title: "NATS cannot be reached" },
  DEADLINE_PASSED: { status: 504, retryable: true, title: "No answer within the time asked for" },
  EFFECT_UNKNOWN: { status: 504, retryable: false, title: "It is not known whether the command was applied" },
} as const;

/** The code of a failure: a key of the catalogue. */
export type ErrorCode = keyof typeof errorCatalog;

/** Whether a command that failed has changed the processor; `unknown` if neither can be proved (A7). */
export type Effect = "none" | "applied" | "unknown";

/** What is known about a failure besides its code. */
export interface ErrorContext {
  processor?: string;
  effect?: Effect;
  /** The command's id, if it has one yet. */
  command?: string;
  /** The command's place in its processor's log. */
  sequence?: number;
  /** After how many whole seconds it makes sense to try again. */
  retryAfterSeconds?: number;
  /**
   * The limit on waiting commands that was reached. `commands` is how many it allows, if it is a limit on
   * their number.
   */
  limit?: { name: string; commands?: number };
  /** The fields of the input that are wrong. */
  errors?: { field: string; detail: string }[];
  /** Further members of the problem document (RFC 9457). */
  more?: Record<string, unknown>;
}

/**
 * The only error that crosses a module boundary. Callers decide by its `code`, never by its message: the
 * message is for people and may change.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly context: ErrorContext;

  constructor(code: ErrorCode, detail: string, context: ErrorContext = {}, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
    this.context = context;
  }

  /** The HTTP status. */
  get status(): number {
    return errorCatalog[this.code].status;
  }

  /**
   * Makes a GatewayError of any thrown value: INTERNAL with that value as its cause, unless it is one
   * already.
   */
  static from(reason: unknown): GatewayError {
    if (reason instanceof GatewayError) return reason;
    return new GatewayError("INTERNAL", "The gateway failed on this request.", {}, { cause: reason });
  }
}
