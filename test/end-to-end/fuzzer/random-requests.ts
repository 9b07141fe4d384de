import { brotliCompressSync, gzipSync } from "node:zlib";
import type { OpenAPIV3_1 } from "openapi-types";
import type { ApiDocument } from "../../fixtures/api-document.ts";
import type { Random } from "../../unit/worker/crash-schedules/random.ts";
import { broken, brokenBytes, oddTexts, pick, sampleOf } from "./random-json.ts";

/** A request of the fuzzer. */
export interface FuzzRequest {
  /** `METHOD /path/{with}/parameters`, as the document has it. */
  operation: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer | undefined;
  /** The processor's id in the path. */
  id: string;
}

/** Processors that the fuzzer registers, pauses and removes. Their instances are nowhere. */
const throwaways = ["f1", "f2", "f3"];
/** These would take p1 away from the rest of the requests, or keep it busy for long. */
const isHarmful = (operation: string) => /^(?!GET)\S+ \/processors\/\{id\}/.test(operation);

const types = [
  "application/json",
  "application/json; charset=utf-8",
  "application/x-ndjson",
  "application/x-www-form-urlencoded",
  "text/plain; charset=latin1",
  "x/y;;",
  "",
];
const prefers = ["wait=2", "wait=0", "respond-async", "respond-async, wait=1", "wait=,", '"'];
const accepts = ["*/*", "application/x-ndjson", "text/html", "image/png", ""];

/** Makes requests from the document of the API: right ones, and ones that are broken in some place. */
export class RandomRequests {
  readonly #api: ApiDocument;
  readonly #random: Random;
  readonly #operations: [string, OpenAPIV3_1.OperationObject][];

  constructor(api: ApiDocument, random: Random) {
    this.#api = api;
    this.#random = random;
    // The answer to this one has no end.
    this.#operations = [...api.operations].filter(([name]) => name !== "GET /processors/{id}/log/events");
  }

  next(): FuzzRequest {
    const random = this.#random;
    const [operation, described] = pick(random, this.#operations);
    const [method = "", template = ""] = operation.split(" ");
    const id = pick(random, isHarmful(operation) ? throwaways : ["p1", "p1", "p1", "p1", "f1", "nobody"]);
    const parameters = (described.parameters ?? []).map((one) =>
      this.#resolve<OpenAPIV3_1.ParameterObject>(one),
    );
    const path = template.replace(/\{(\w+)\}/g, (_, name) => {
      const value = name === "id" ? id : pick(random, [...oddTexts, "1", "recall_threshold"]);
      return encodeURIComponent(value.toWellFormed()) || "x";
    });
    const body = method === "GET" ? undefined : this.#body(described);
    return {
      operation,
      method: random.chance(0.03) ? pick(random, ["PATCH", "OPTIONS", "PUT", "TRACE"]) : method,
      path: path + this.#query(parameters),
      headers: this.#headers(body !== undefined),
      body: this.#coded(body),
      id,
    };
  }

  #resolve<T extends object>(part: T | OpenAPIV3_1.ReferenceObject): T {
    return this.#api.resolve(part);
  }

  #query(parameters: OpenAPIV3_1.ParameterObject[]): string {
    const random = this.#random;
    const pairs = parameters
      .filter((one) => one.in === "query" && random.chance(0.4))
      .map(({ name, schema }): [string, unknown] => [name, this.#value(schema ?? {})]);
    if (random.chance(0.05)) pairs.push([pick(random, oddTexts), pick(random, oddTexts)]);
    if (pairs.length === 0) return "";
    const encoded = pairs.map((pair) =>
      pair.map((part) => encodeURIComponent(String(part).toWellFormed())).join("="),
    );
    return `?${encoded.join("&")}`;
  }

  #value(part: OpenAPIV3_1.SchemaObject | OpenAPIV3_1.ReferenceObject): unknown {
    const schema = this.#resolve<OpenAPIV3_1.SchemaObject>(part);
    if (this.#random.chance(0.2)) return pick(this.#random, oddTexts);
    if (schema.pattern !== undefined) return this.#random.integer(200);
    return sampleOf(schema, this.#random, (one) => this.#resolve(one));
  }

  #headers(hasBody: boolean): Record<string, string> {
    const random = this.#random;
    const headers: Record<string, string> = { prefer: pick(random, prefers) };
    if (hasBody) headers["content-type"] = pick(random, random.chance(0.7) ? types.slice(0, 1) : types);
    if (random.chance(0.2))
      headers["idempotency-key"] = pick(random, ["k1", "k2", "k3", "", "x".repeat(300)]);
    if (random.chance(0.1)) headers["kato-after"] = pick(random, ["1", "x", "999999999", ""]);
    if (random.chance(0.1)) headers.accept = pick(random, accepts);
    if (random.chance(0.05)) headers["content-encoding"] = pick(random, ["gzip", "br", "deflate", "x"]);
    if (random.chance(0.05))
      headers.traceparent = pick(random, ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x"]);
    return headers;
  }

  #body({ requestBody }: OpenAPIV3_1.OperationObject): Buffer | undefined {
    const random = this.#random;
    if (!requestBody)
      return random.chance(0.8) ? undefined : Buffer.from(pick(random, ["", "{}", '{"a":1}', "x"]));
    const { content } = this.#resolve<OpenAPIV3_1.RequestBodyObject>(requestBody);
    const { schema } = pick(random, Object.values(content));
    let value = sampleOf(schema ?? {}, random, (one) => this.#resolve(one));
    while (random.chance(0.35)) value = broken(value, random);
    const bytes = Buffer.from(JSON.stringify(value) ?? "");
    return random.chance(0.1) ? brokenBytes(bytes, random) : bytes;
  }

  #coded(body: Buffer | undefined): Buffer | undefined {
    if (!body || !this.#random.chance(0.1)) return body;
    const coded = pick(this.#random, [gzipSync, brotliCompressSync])(body);
    return this.#random.chance(0.3) ? brokenBytes(coded, this.#random) : coded;
  }
}

/** The bytes of a request as they stand on the socket, with some of them broken. */
export function rawRequest(
  { method, path, headers, body = Buffer.alloc(0) }: FuzzRequest,
  random: Random,
): Buffer {
  const lines = Object.entries({
    host: "localhost",
    "content-length": String(body.length),
    ...headers,
    connection: "close",
  });
  const head = [`${method} ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), "", ""];
  let bytes = Buffer.concat([Buffer.from(head.join("\r\n"), "latin1"), body]);
  for (let times = 1 + random.integer(3); times > 0; times--) bytes = Buffer.from(brokenBytes(bytes, random));
  return bytes;
}
