import { fileURLToPath } from "node:url";
import type { MethodDefinition, ServiceDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";
import { cognitionOfJson } from "./cognition.ts";
import { readResponse } from "./decode-response.ts";
import { encodeObservation, isNumeric } from "./encode-observation.ts";
import { isJsonObject } from "./json.ts";
import type { KatoResponse, Observation, RequestMessages, RequestOf } from "./messages.ts";
import type { ListValue, Struct } from "./protobuf-struct.ts";
import { jsonOfList, jsonOfStruct, listOfJson, structOfJson } from "./protobuf-struct.ts";
import type { Method, RequestType } from "./rpcs.ts";
import { rpcs } from "./rpcs.ts";

/**
 * Encodes and decodes the messages of KATO's RPCs. The plain form of each message (messages.ts) is JSON.
 * Every message survives the round trip, also one with `__proto__` as a key. Bytes that are no such message
 * throw a RangeError or an Error, as protobufjs throws them.
 */

/** The fields of a request message that @grpc/proto-loader gives in another form than the plain one. */
interface WireRequest {
  /** Of an Observation. */
  vectors?: ListValue[];
  /** Structs in a ModelUpdate, numbers by name in an Observation. */
  emotives?: Struct[] | Record<string, number>;
}

type RpcDefinition = MethodDefinition<object, object, WireRequest, object>;

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

function rpcDefinition(method: Method): RpcDefinition {
  const definition = service[method];
  if (!definition) throw new Error(`kato_proc.proto has no RPC ${method}`);
  // The proto file says that these are the types, and proto-loader cannot know it.
  return definition as MethodDefinition<object, object> as RpcDefinition;
}

/** The gRPC path of an RPC, for example `/kato_proc.KatoEngine/Observe`. */
export function pathOf(method: Method): string {
  return rpcDefinition(method).path;
}

/** The bytes of a request. */
export function encodeRequest<M extends Method>(method: M, request: RequestOf<M>): Buffer {
  if (method === "Observe") {
    // The table of RPCs says that this is its message.
    const observation = request as Observation;
    if (isNumeric(observation)) return encodeObservation(observation);
  }
  return rpcDefinition(method).requestSerialize(wireRequest(request));
}

/** The plain form of a request. A number that is a float32 on the wire is given with all its digits. */
export function decodeRequest<M extends Method>(method: M, bytes: Buffer): RequestOf<M> {
  const wire = rpcDefinition(method).requestDeserialize(bytes);
  // The proto file says that this is the message of this RPC.
  return plainRequest(method, wire) as RequestOf<M>;
}

/** The bytes of a response. Throws an Error if its `response` is there and is no object. */
export function encodeResponse(method: Method, response: KatoResponse): Buffer {
  const { response: payload, ...wire } = response;
  if (payload === undefined) return rpcDefinition(method).responseSerialize(wire);
  if (!isJsonObject(payload)) throw new Error(`${method}: a response is an object`);
  const wirePayload = hasCognition(method) ? cognitionOfJson(payload) : structOfJson(payload);
  return rpcDefinition(method).responseSerialize({ ...wire, response: wirePayload });
}

/** The plain form of a response. */
export function decodeResponse(method: Method, bytes: Uint8Array): KatoResponse {
  if (method === "Observe") return readResponse(bytes, "unique_id");
  return readResponse(bytes, hasCognition(method) ? "cognition" : "struct");
}

function hasCognition(method: Method): boolean {
  return rpcs[method].response === "CognitionResponse";
}

function wireRequest(request: RequestMessages[RequestType]): object {
  if ("vectors" in request && request.vectors) {
    return { ...request, vectors: request.vectors.map(listOfJson) };
  }
  if ("emotives" in request && Array.isArray(request.emotives)) {
    return { ...request, emotives: request.emotives.map(structOfJson) };
  }
  return request;
}

function plainRequest(method: Method, wire: WireRequest): object {
  if (method === "Observe") {
    const { vectors = [], ...observation } = wire;
    return { ...observation, vectors: vectors.map(jsonOfList) };
  }
  if (Array.isArray(wire.emotives)) {
    const { emotives, ...update } = wire;
    return { ...update, emotives: emotives.map(jsonOfStruct) };
  }
  return wire;
}
