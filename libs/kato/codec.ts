import { fileURLToPath } from "node:url";
import type { ServiceDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";
import type { Json, JsonObject } from "./json.ts";
import { setOwn } from "./json.ts";
import type { KatoResponse, Observation, RequestOf } from "./messages.ts";
import type { Method } from "./rpcs.ts";
import { rpcs } from "./rpcs.ts";
import type { ListValue, Struct } from "./struct.ts";
import { jsonOfList, jsonOfStruct, listOfJson, structOfJson } from "./struct.ts";

/**
 * Between KATO's protobuf and plain JSON. Every message survives the round trip, `__proto__` as a key included.
 * Bytes that do not parse throw a RangeError or an Error, as protobufjs does.
 */

const service: ServiceDefinition = loadService();

function loadService(): ServiceDefinition {
  const definition = loadSync(fileURLToPath(new URL("../../proto/kato_proc.proto", import.meta.url)), {
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
    arrays: true,
    objects: true,
    oneofs: true,
  })["kato_proc.KatoEngine"];
  if (!definition || "format" in definition) throw new Error("kato_proc.proto has no service KatoEngine");
  return definition;
}

function rpcDefinition(method: Method): ServiceDefinition[string] {
  const definition = service[method];
  if (!definition) throw new Error(`kato_proc.proto has no RPC ${method}`);
  return definition;
}

/** The gRPC path of an RPC: `/kato_proc.KatoEngine/Observe`. */
export function pathOf(method: Method): string {
  return rpcDefinition(method).path;
}

/** The bytes of a request. */
export function encodeRequest<M extends Method>(method: M, request: RequestOf<M>): Buffer {
  return rpcDefinition(method).requestSerialize(wireRequest(method, request));
}

/** The plain form of a request's bytes; what a float32 field holds is given in full. */
export function decodeRequest<M extends Method>(method: M, bytes: Buffer): RequestOf<M> {
  const wire: object = rpcDefinition(method).requestDeserialize(bytes);
  return plainRequest(method, wire) as RequestOf<M>;
}

/** The bytes of a response. */
export function encodeResponse(method: Method, response: KatoResponse): Buffer {
  const { response: payload, ...wire } = response;
  if (payload === undefined) return rpcDefinition(method).responseSerialize(wire);
  if (!isObject(payload)) throw new Error(`${method}: a response is an object`);
  const isCognition = rpcs[method].response === "CognitionResponse";
  return rpcDefinition(method).responseSerialize({
    ...wire,
    response: isCognition ? wireCognition(payload) : structOfJson(payload),
  });
}

/** The plain form of a response's bytes. */
export function decodeResponse(method: Method, bytes: Buffer): KatoResponse {
  const { response_oneof, response, ...plain } = rpcDefinition(method).responseDeserialize(
    bytes,
  ) as KatoResponse & {
    response_oneof?: string;
    response?: Struct;
  };
  if (response_oneof !== "response" || response === undefined) return plain;
  const isCognition = rpcs[method].response === "CognitionResponse";
  return {
    ...plain,
    response: isCognition ? plainCognition(response as WireCognition) : jsonOfStruct(response),
  };
}

function isObject(json: Json): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function wireRequest<M extends Method>(method: M, request: RequestOf<M>): object {
  if ("vectors" in request && request.vectors)
    return { ...request, vectors: request.vectors.map(listOfJson) };
  if (method === "UpdateModel" && "emotives" in request && Array.isArray(request.emotives)) {
    return { ...request, emotives: request.emotives.map(structOfJson) };
  }
  return request;
}

function plainRequest(method: Method, wire: object): object {
  if (method === "Observe") {
    const { vectors = [], ...observation } = wire as Omit<Observation, "vectors"> & { vectors?: ListValue[] };
    return { ...observation, vectors: vectors.map(jsonOfList) };
  }
  if (method === "UpdateModel") {
    const { emotives = [], ...update } = wire as { emotives?: Struct[] };
    return { ...update, emotives: emotives.map(jsonOfStruct) };
  }
  return wire;
}

interface WireCognition {
  predictions?: Record<string, unknown>[];
  emotives?: Record<string, number>;
  vectors?: ListValue[];
  working_memory?: ListValue[];
}

const eventLists = ["past", "present", "future"] as const;

function plainCognition(wire: WireCognition): JsonObject {
  return {
    ...(wire as JsonObject),
    emotives: shortest(wire.emotives ?? {}),
    vectors: (wire.vectors ?? []).map(jsonOfList),
    working_memory: (wire.working_memory ?? []).map(jsonOfList),
    predictions: (wire.predictions ?? []).map((prediction) => {
      const plain = shortest(prediction as JsonObject);
      for (const name of eventLists) plain[name] = ((prediction[name] ?? []) as ListValue[]).map(jsonOfList);
      plain.emotives = shortest((prediction.emotives ?? {}) as JsonObject);
      return plain;
    }),
  };
}

function wireCognition(plain: JsonObject): object {
  const lists = (name: string, of: JsonObject) => ((of[name] ?? []) as Json[][]).map(listOfJson);
  return {
    ...plain,
    vectors: lists("vectors", plain),
    working_memory: lists("working_memory", plain),
    predictions: ((plain.predictions ?? []) as JsonObject[]).map((prediction) => ({
      ...prediction,
      ...Object.fromEntries(eventLists.map((name) => [name, lists(name, prediction)])),
    })),
  };
}

/** A copy whose numbers, float32 on the wire, have the fewest digits that still name them: 0.1, not 0.10000000149. */
function shortest<T extends Json>(floats: Record<string, T>): Record<string, T> {
  const copy: Record<string, T> = {};
  for (const [key, value] of Object.entries(floats)) {
    setOwn(copy, key, typeof value === "number" ? (shortestFloat32(value) as T) : value);
  }
  return copy;
}

function shortestFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}
