import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import type { Static } from "typebox";
import { Type } from "typebox";
import { Value } from "typebox/value";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import { http, https } from "../../libs/service/serve-http.ts";
import type { DiscoverySource } from "./sources/source.ts";

/** Where the gateways are, and how they know this client. */
export interface GatewayClientOptions {
  /** `http://host:port` or `https://host:port`, perhaps with a path. Any of them will do. */
  urls: readonly string[];
  /** A file with an API key. */
  keyFile: string | undefined;
  /** A file with the certificates that may have signed that of an https:// gateway. */
  caFile: string | undefined;
}

/** A processor as GET /processors shows it, as far as discovery reads it. */
const Registered = Type.Object({
  id: Type.String(),
  name: Type.String(),
  endpoint: Type.String(),
  source: Type.String(),
});
export type Registered = Static<typeof Registered>;
const Processors = Type.Object({ processors: Type.Array(Registered) });
const Problem = Type.Object({ type: Type.String(), detail: Type.String() });

/** Thrown when no gateway can be asked, so that it makes no sense to go on with the others of a list. */
export class GatewayAway extends Error {
  override readonly name = "GatewayAway";
}

/** Thrown when a gateway does not do what one entry needs. */
export class GatewayRefusal extends Error {
  override readonly name = "GatewayRefusal";
  /** The code of its problem document, as `still-queued`. */
  readonly code: string;

  constructor(code: string, detail: string) {
    super(detail);
    this.code = code;
  }
}

interface Answer {
  status: number;
  body: string;
}

const answerLimitMs = 10_000;

/**
 * The registry, over the REST API of any of the gateways. The files are read at each request, so a key can be
 * replaced while everything runs.
 *
 * Every method rejects with GatewayAway if no gateway answers within 10 s or the gateway does not let this
 * client in, and with GatewayRefusal if it answers otherwise than with a success.
 */
export class GatewayClient {
  readonly #options: GatewayClientOptions;
  /** Those of the options. The one that has answered last is the first. */
  #urls: readonly string[];
  #isReached = false;

  constructor(options: GatewayClientOptions) {
    this.#options = options;
    this.#urls = options.urls;
  }

  /** Whether a gateway has told the registry, and has not been away since. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** All processors that are registered, whatever has registered them. */
  async list(stopping: AbortSignal): Promise<Registered[]> {
    const { status, body } = await this.#request("GET", "processors", undefined, stopping);
    const answer: unknown = status === 200 ? parsed(body) : undefined;
    this.#isReached = Value.Check(Processors, answer);
    if (!Value.Check(Processors, answer)) throw new GatewayAway(`GET /processors: ${told(status, body)}`);
    return answer.processors;
  }

  /** Registers an entry, or changes it. */
  async register({ id, ...entry }: ProcessorEntry, stopping: AbortSignal): Promise<void> {
    await this.#change("PUT", `processors/${encodeURIComponent(id)}`, JSON.stringify(entry), stopping);
  }

  /** Removes an entry of this source. */
  async withdraw(id: string, source: DiscoverySource["name"], stopping: AbortSignal): Promise<void> {
    await this.#change(
      "DELETE",
      `processors/${encodeURIComponent(id)}?source=${source}`,
      undefined,
      stopping,
    );
  }

  async #change(
    method: string,
    path: string,
    body: string | undefined,
    stopping: AbortSignal,
  ): Promise<void> {
    const answer = await this.#request(method, path, body, stopping);
    if (answer.status < 300) return;
    const problem = parsed(answer.body);
    if (!Value.Check(Problem, problem)) throw new GatewayRefusal("", told(answer.status, answer.body));
    throw new GatewayRefusal(problem.type.replace(/^urn:kato:problem:/, ""), problem.detail);
  }

  async #request(
    method: string,
    path: string,
    body: string | undefined,
    stopping: AbortSignal,
  ): Promise<Answer> {
    const { keyFile, caFile } = this.#options;
    try {
      const [key, ca] = await Promise.all([contentOf(keyFile), contentOf(caFile)]);
      const headers = {
        ...(key !== undefined && { authorization: `Bearer ${key.trim()}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      };
      const answer = await this.#askAny(path, { method, headers, ca }, body, stopping);
      if (answer.status === 401 || answer.status === 403) throw notLetIn(answer, keyFile);
      return answer;
    } catch (error) {
      this.#isReached = false;
      throw error;
    }
  }

  /** Asks one gateway after the other until one answers. */
  async #askAny(
    path: string,
    options: RequestOptions,
    body: string | undefined,
    stopping: AbortSignal,
  ): Promise<Answer> {
    const failures: string[] = [];
    for (const url of this.#urls) {
      const target = new URL(path, url.endsWith("/") ? url : `${url}/`);
      const signal = AbortSignal.any([stopping, AbortSignal.timeout(answerLimitMs)]);
      try {
        const answer = await send(target, { ...options, signal }, body);
        this.#urls = [url, ...this.#urls.filter((each) => each !== url)];
        return answer;
      } catch (error) {
        failures.push(`${target.origin}: ${error instanceof Error ? error.message : error}`);
      }
    }
    throw new GatewayAway(`no gateway answers: ${failures.join("; ")}`);
  }
}

function notLetIn({ status, body }: Answer, keyFile: string | undefined): GatewayAway {
  const what =
    keyFile === undefined ? "GATEWAY_KEY_FILE is not set" : `the key in ${keyFile} is not accepted`;
  return new GatewayAway(`the gateway refuses discovery, ${what}: ${told(status, body)}`);
}

async function contentOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return readFile(file, "utf8").catch((error) => {
    throw new GatewayAway(`${file} cannot be read: ${error.code}`);
  });
}

async function send(url: URL, options: RequestOptions, body: string | undefined): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // Each request has its own connection: the gateway may have closed one that was kept open.
    const { request } = url.protocol === "https:" ? https : http;
    const sent = request(url, { ...options, agent: false }, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** What an answer says, in one short line. */
function told(status: number, body: string): string {
  const problem = parsed(body);
  const said = Value.Check(Problem, problem) ? problem.detail : body.replace(/\s+/g, " ").slice(0, 200);
  return `${status} ${said}`.trim();
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
