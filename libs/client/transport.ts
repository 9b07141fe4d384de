import type { Fetch, FetchAnswer, FetchRequest, RequestBody } from "./fetch.ts";
import { platformFetch } from "./fetch.ts";
import { errorOfAnswer, errorOfConnection, KatoError } from "./kato-error.ts";

export interface ClientOptions {
  /** Where the gateway is, as `http://127.0.0.1:8000`. */
  url: string;
  /** An API key or a token, or what gives it for each request. */
  key?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Default: the platform's. libs/client-node/node-fetch.ts takes certificates. */
  fetch?: Fetch;
  /** Sent with every request, as `Kato-Console` from a browser that is logged in. */
  headers?: Record<string, string>;
  /** How often a request is sent at most. Default: 4. */
  attempts?: number;
}

export interface QueryOptions {
  signal?: AbortSignal | undefined;
  /** How long the gateway waits for the processor; 30 seconds without it. */
  waitSeconds?: number | undefined;
  /** A command's sequence: it is answered once that is applied. */
  after?: number | undefined;
}

export interface CommandOptions {
  signal?: AbortSignal | undefined;
  waitSeconds?: number | undefined;
  /** With a key the request may be repeated: it is applied once. */
  idempotencyKey?: string | undefined;
  /** Not waited for: the answer says that it is stored. */
  async?: true;
  /** Called with what the answer's headers say of the command. */
  onSent?: (sent: Sent) => void;
}

/** A command's place in the log, and its id. */
export interface Sent {
  sequence: number | undefined;
  command: string | undefined;
  /** Whether this is the answer of an earlier request with this Idempotency-Key. */
  isReplayed: boolean;
}

/** What a request may do if it is sent twice. */
export type Repeatable =
  /** It changes nothing, or the second time does nothing more. */
  | "always"
  /** It changes something: only if it is proved that it did not, or under an Idempotency-Key. */
  | "under-key";

export interface Call {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  query?: Record<string, string | number | undefined>;
  /** Sent as JSON. */
  json?: unknown;
  body?: () => RequestBody;
  headers?: Record<string, string | undefined>;
  repeatable: Repeatable;
  options?: QueryOptions & CommandOptions;
  /** For a stream, which may take any time. Others are given up some time after the gateway should have answered. */
  endless?: true;
}

const defaultWaitSeconds = 30;
const answerSlackMs = 15_000;
const defaultAttempts = 4;
/** A pause that would be longer is the caller's to decide about. */
const longestPauseMs = 10_000;

/** Sends requests, repeats those that may be, and throws a KatoError for every failure. */
export class Transport {
  readonly url: string;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.url = options.url.replace(/\/+$/, "");
    this.#options = options;
  }

  /** The answer's JSON; undefined where it has no body. */
  async json<T>(call: Call): Promise<T> {
    const text = await this.text(call);
    try {
      return (text === "" ? undefined : JSON.parse(text)) as T;
    } catch (cause) {
      const detail = `what answers at ${this.url} is no KATO gateway`;
      throw new KatoError("NO_GATEWAY", {
        detail,
        effect: call.method === "GET" ? "none" : "unknown",
        cause,
      });
    }
  }

  /** The answer's text. The request is sent again where that is allowed. */
  async text(call: Call): Promise<string> {
    const { attempts = defaultAttempts } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.open(call);
        return await this.#told(() => answer.text(), call);
      } catch (error) {
        if (attempt >= attempts || !mayRepeat(error, call)) throw error;
        const pauseMs = pauseBefore(error, attempt);
        if (pauseMs > longestPauseMs) throw error;
        await sleep(pauseMs, call.options?.signal);
      }
    }
  }

  /** Sends the request once. Resolves to a success, whose body is still to come. */
  async open(call: Call): Promise<FetchAnswer> {
    call.options?.signal?.throwIfAborted();
    const request = await this.#request(call);
    const send = this.#options.fetch ?? platformFetch;
    const answer = await this.#told(() => send(this.#urlOf(call), request), call);
    // No route redirects.
    if (answer.status >= 300) {
      const text = await this.#told(() => answer.text(), call);
      const retryAfter = answer.headers.get("retry-after");
      throw errorOfAnswer({ status: answer.status, text, retryAfter }, call.method !== "GET");
    }
    call.options?.onSent?.(sentOf(answer));
    return answer;
  }

  /** The items of an answer's body. A connection that breaks is a KatoError. */
  async *reading<T>(items: AsyncGenerator<T>, call: Pick<Call, "method" | "options">): AsyncGenerator<T> {
    try {
      for (;;) {
        const { value, done } = await this.#told(() => items.next(), call);
        if (done) return;
        yield value;
      }
    } finally {
      // It is not waited for, as it would wait for the item that is on its way.
      items.return(undefined).catch(() => {});
    }
  }

  /** What the platform throws becomes a KatoError. */
  async #told<T>(run: () => Promise<T>, { method, options }: Pick<Call, "method" | "options">): Promise<T> {
    try {
      return await run();
    } catch (error) {
      options?.signal?.throwIfAborted();
      throw errorOfConnection(error, this.url, method !== "GET");
    }
  }

  async #request({ method, json, body, headers, options, endless }: Call): Promise<FetchRequest> {
    const { key } = this.#options;
    const credential = typeof key === "function" ? await key() : key;
    const limit = AbortSignal.timeout((options?.waitSeconds ?? defaultWaitSeconds) * 1_000 + answerSlackMs);
    const signals = [options?.signal, endless ? undefined : limit].filter((signal) => signal !== undefined);
    return {
      method,
      headers: present({
        ...this.#options.headers,
        accept: "application/json",
        authorization: credential && `Bearer ${credential}`,
        "content-type": json === undefined ? undefined : "application/json",
        prefer: preferOf(options),
        "idempotency-key": options?.idempotencyKey,
        "kato-after": options?.after?.toString(),
        ...headers,
      }),
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(body && { body: body() }),
      ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
    };
  }

  #urlOf({ path, query = {} }: Call): string {
    const parameters = Object.entries(present(query)).map(
      ([name, value]) => `${name}=${encodeURIComponent(value)}`,
    );
    return `${this.url}${path}${parameters.length > 0 ? `?${parameters.join("&")}` : ""}`;
  }
}

function preferOf({ async: isAsync, waitSeconds }: CommandOptions = {}): string | undefined {
  const preferences = [isAsync && "respond-async", waitSeconds !== undefined && `wait=${waitSeconds}`];
  return preferences.filter(Boolean).join(", ") || undefined;
}

function sentOf({ headers }: FetchAnswer): Sent {
  const sequence = headers.get("kato-sequence");
  return {
    sequence: sequence === null ? undefined : Number(sequence),
    command: headers.get("kato-command") ?? undefined,
    isReplayed: headers.get("idempotency-replayed") === "true",
  };
}

/** Whether a request that failed may be sent again by itself. */
export function mayRepeat(
  error: unknown,
  { repeatable, options }: Pick<Call, "repeatable" | "options">,
): boolean {
  if (!(error instanceof KatoError) || !error.retryable) return false;
  const isHarmless = repeatable === "always" || options?.idempotencyKey !== undefined;
  return isHarmless || error.effect === "none";
}

/** How long to wait before the next attempt: as long as the gateway says, else longer each time. */
export function pauseBefore(error: unknown, attempt: number): number {
  const asked = error instanceof KatoError ? error.retryAfterSeconds : undefined;
  return asked !== undefined ? asked * 1_000 : 100 * 2 ** Math.min(attempt, 6) * (0.5 + Math.random());
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Without what is undefined, and as text. */
function present(values: Record<string, string | number | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [[name, String(value)]],
    ),
  );
}
