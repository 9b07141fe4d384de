import { followLog } from "./events.ts";
import type { QueryOptions, Transport } from "./transport.ts";
import type { IngestionPage } from "./types/bulk.ts";
import type {
  Adopted,
  AuditPage,
  DeadLetterPage,
  DeadLetterRequest,
  Genome,
  Home,
  Key,
  KeyPage,
  KeyRequest,
  LoggedRequest,
  LogPage,
  MadeKey,
  Processor,
  ProcessorPage,
  Rebuilt,
  Registration,
  Replaying,
  RotatedKey,
  Session,
} from "./types/gateway.ts";
import type { Done, Queued } from "./types/processor.ts";

export interface PageOptions extends QueryOptions {
  /** The first sequence, or the first id. */
  from?: number | undefined;
  limit?: number | undefined;
}

export interface IdPageOptions extends QueryOptions {
  from?: string | undefined;
  limit?: number | undefined;
}

export interface LogOptions extends PageOptions {
  /** The RPC: `Observe`, `Learn` … */
  method?: string | undefined;
  outcome?: string | undefined;
  sender?: string | undefined;
  /** ISO 8601. */
  since?: string | undefined;
  until?: string | undefined;
}

export type GatewayApi = ReturnType<typeof gatewayApi>;
export type ProcessorsApi = ReturnType<typeof processorsApi>;
export type AccessApi = ReturnType<typeof accessApi>;

/** The two kinds of requests that all groups send. */
function requests(transport: Transport) {
  const get = <T>(
    path: string,
    options?: QueryOptions,
    query?: Record<string, string | number | undefined>,
  ) =>
    transport.json<T>({
      method: "GET",
      path,
      repeatable: "always",
      ...(query && { query }),
      ...(options && { options }),
    });
  const change = <T>(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    more: { json?: unknown; query?: Record<string, string | undefined>; options?: QueryOptions } = {},
    repeatable: "always" | "under-key" = "under-key",
  ) => transport.json<T>({ method, path, repeatable, ...more });
  return { get, change };
}

/** The gateway itself. */
export function gatewayApi(transport: Transport) {
  const { get } = requests(transport);
  const text = (path: string, options?: QueryOptions, accept = "*/*") =>
    transport.text({
      method: "GET",
      path,
      headers: { accept },
      repeatable: "always",
      ...(options && { options }),
    });
  return {
    home: (options?: QueryOptions) => get<Home>("/", options),
    ping: (options?: QueryOptions) => get<{ status: "okay" }>("/kato-api/ping", options),
    health: (options?: QueryOptions) => get<{ status: "healthy"; processors: number }>("/health", options),
    ready: (options?: QueryOptions) => get<{ status: "ready" }>("/ready", options),
    genome: (options?: QueryOptions) => get<Genome>("/connect", options),
    /** Prometheus's text. */
    metrics: (options?: QueryOptions) => text("/metrics", options),
    /** The OpenAPI document. */
    openApi: (options?: QueryOptions) => get<{ openapi: string }>("/openapi.json", options),
    /** The same for people, in HTML. */
    docs: (options?: QueryOptions) => text("/docs", options, "text/html"),
  };
}

/** The processors as operators see them. */
export function processorsApi(transport: Transport) {
  const { get, change } = requests(transport);
  const at = (id: string, path = "") => `/processors/${encodeURIComponent(id)}${path}`;
  return {
    list: ({ from, limit, ...options }: IdPageOptions = {}) =>
      get<ProcessorPage>("/processors", options, { from, limit }),
    get: (id: string, options?: QueryOptions) => get<Processor>(at(id), options),
    /** Registers a processor, or changes it. */
    put: (id: string, registration: Registration, options: QueryOptions = {}) =>
      change<Processor>("PUT", at(id), { json: registration, options }, "always"),
    /** `data` removes its log, its checkpoint and all its records too, for good. */
    remove: (
      id: string,
      {
        force,
        data,
        source,
        ...options
      }: QueryOptions & { force?: boolean; data?: boolean; source?: "docker" | "kubernetes" } = {},
    ) =>
      change<Done<"removed">>("DELETE", at(id), {
        query: { force: force ? "true" : undefined, data: data ? "true" : undefined, source },
        options,
      }),
    pause: (id: string, options: QueryOptions = {}) =>
      change<Processor>("POST", at(id, "/pause"), { options }, "always"),
    resume: (id: string, options: QueryOptions = {}) =>
      change<Processor>("POST", at(id, "/resume"), { options }, "always"),
    /** With `from` the instance is cleared, models and all, and the log is applied again from there on. */
    rebuild: (
      id: string,
      { from, dryRun, ...options }: QueryOptions & { from?: number; dryRun?: boolean } = {},
    ) =>
      change<Rebuilt | Replaying>(
        "POST",
        at(id, "/rebuild"),
        {
          query: { dry_run: dryRun ? "true" : undefined },
          json: from === undefined ? {} : { from },
          options,
        },
        dryRun ? "always" : "under-key",
      ),
    /** Of a processor that is held: its instance is right, up to `applied`. */
    adopt: (id: string, { applied, ...options }: QueryOptions & { applied?: number } = {}) =>
      change<Adopted>("POST", at(id, "/adopt"), { json: applied === undefined ? {} : { applied }, options }),
    log: (id: string, { from, limit, method, outcome, sender, since, until, ...options }: LogOptions = {}) =>
      get<LogPage>(at(id, "/log"), options, { from, limit, method, outcome, sender, since, until }),
    /** The log as it grows: from `from` on, or what comes (events.ts). */
    followLog: (
      id: string,
      { from, method, outcome, sender, since, until, ...options }: Omit<LogOptions, "limit"> = {},
    ) =>
      followLog(
        transport,
        { path: at(id, "/log/events"), query: { from, method, outcome, sender, since, until } },
        options,
      ),
    loggedCommand: (id: string, sequence: number, options?: QueryOptions) =>
      get<LoggedRequest>(at(id, `/log/${sequence}`), options),
    deadLetter: (id: string, sequence: number, options?: QueryOptions) =>
      get<DeadLetterRequest>(at(id, `/dead-letters/${sequence}`), options),
    deadLetters: (id: string, { from, limit, ...options }: PageOptions = {}) =>
      get<DeadLetterPage>(at(id, "/dead-letters"), options, { from, limit }),
    /** The bulk requests of which something is not applied yet. */
    ingestions: (id: string, { from, ...options }: Omit<PageOptions, "limit"> = {}) =>
      get<IngestionPage>(at(id, "/ingestions"), options, { from }),
    resendDeadLetter: (id: string, sequence: number, options: QueryOptions = {}) =>
      change<Queued>("POST", at(id, `/dead-letters/${sequence}/resend`), { options }),
    discardDeadLetter: (id: string, sequence: number, options: QueryOptions = {}) =>
      change<Done<"deleted">>("DELETE", at(id, `/dead-letters/${sequence}`), { options }),
  };
}

/** Who may do what, and who has done what. */
export function accessApi(transport: Transport) {
  const { get, change } = requests(transport);
  return {
    session: (options?: QueryOptions) => get<Session>("/session", options),
    /** Exchanges a key for a cookie, in a browser. */
    login: (key: string, options: QueryOptions = {}) =>
      change<Session & { expires_at: string }>("POST", "/session", { json: { key }, options }),
    logout: (options: QueryOptions = {}) => change<undefined>("DELETE", "/session", { options }, "always"),
    keys: ({ from, limit, ...options }: IdPageOptions = {}) =>
      get<KeyPage>("/keys", options, { from, limit }),
    makeKey: (request: KeyRequest, options: QueryOptions = {}) =>
      change<MadeKey>("POST", "/keys", { json: request, options }),
    /** Gives a key a new secret. The one of before counts for a day, or until the time that is given. */
    rotateKey: (
      id: Key["id"],
      { previousExpiresAt, ...options }: QueryOptions & { previousExpiresAt?: string } = {},
    ) =>
      change<RotatedKey>("POST", `/keys/${encodeURIComponent(id)}/rotate`, {
        json: previousExpiresAt === undefined ? {} : { previous_expires_at: previousExpiresAt },
        options,
      }),
    revokeKey: (id: Key["id"], options: QueryOptions = {}) =>
      change<Done<"revoked">>("DELETE", `/keys/${encodeURIComponent(id)}`, { options }),
    audit: ({ from, limit, ...options }: PageOptions = {}) =>
      get<AuditPage>("/audit", options, { from, limit }),
  };
}
