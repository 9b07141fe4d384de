import type { IngestionReport } from "../../../libs/client/types/bulk.ts";
import type { Problem as Answer, Session } from "../../../libs/client/types/gateway.ts";
import { observable } from "./observable.ts";

/** Whether the gateway answers. */
export const isReached = observable(true);

/** Who is logged in: undefined until that is known, null if nobody is. */
export const session = observable<Session | null | undefined>(undefined);

/** What a gateway says of a request that did not succeed; of a file of observations also what is stored of it. */
export type Refusal = Partial<Answer & IngestionReport>;

/** A request that did not succeed, with what to tell about it. `status` is 0 where there was no answer. */
export class Problem extends Error {
  readonly status: number;
  readonly refusal: Refusal;

  constructor(message: string, status: number, refusal: Refusal = {}) {
    super(message);
    this.status = status;
    this.refusal = refusal;
  }
}

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Says in which words a request failed, whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether a request was given up by the console itself. */
export const isAborted = (error: unknown): boolean =>
  error instanceof DOMException && error.name === "AbortError";

/** Sends a request to the gateway and resolves to its answer's JSON. Throws a Problem. */
export async function send<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const { body, headers, signal } = options;
  let response: Response;
  try {
    // The page is /console, so a path without a slash begins where the gateway's own paths begin.
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: {
        "kato-console": "1",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (isAborted(error)) throw error;
    isReached.set(false);
    throw new Problem("The gateway does not answer.", 0);
  }
  isReached.set(true);
  // A login that is over is over for the whole page. A key that does not count when somebody logs in is not.
  if (response.status === 401 && !(method === "POST" && path === "session")) session.set(null);
  if (!response.ok) throw problemOf(response.status, await response.text());
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> =>
  send<T>("GET", path, signal ? { signal } : {});

/** The path of something that has these names in it. */
export const pathOf = (...parts: (string | number)[]): string =>
  parts.map((part) => encodeURIComponent(part)).join("/");

/** The query string of these values; "" where none is given. */
export function queryOf(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

/** Finds out who is logged in. */
export async function readSession(): Promise<void> {
  session.set(await get<Session>("session"));
}

/** The problem that an answer's body tells. */
export function problemOf(status: number, body: string): Problem {
  let refusal: Refusal = {};
  try {
    refusal = Object(JSON.parse(body));
  } catch {
    // Something else than a gateway has answered.
  }
  const { detail, title, errors = [] } = refusal;
  const fields = errors.map((error) => `${error.field} ${error.detail}`).join("; ");
  return new Problem(fields || detail || title || `The answer is ${status}.`, status, refusal);
}
