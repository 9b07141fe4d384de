import type { MethodDefinition, ServerUnaryCall, ServiceDefinition, sendUnaryData } from "@grpc/grpc-js";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  pathOf,
} from "../../libs/kato/codec.ts";
import type { KatoResponse, RequestOf } from "../../libs/kato/messages.ts";
import type { Method } from "../../libs/kato/rpcs.ts";
import { isMethod, maxMessageBytes, rpcs } from "../../libs/kato/rpcs.ts";
import type { OnCrashPoint } from "./crash-points.ts";
import type { Manifest } from "./manifest.ts";
import { defaultManifest } from "./manifest.ts";
import { noJournal, openJournal } from "./memory/journal.ts";
import { Knowledge } from "./memory/knowledge.ts";
import { Processor } from "./processor.ts";
import type { HandleCall } from "./rpc-handlers.ts";
import { createCallHandler } from "./rpc-handlers.ts";
import { Semaphore } from "./semaphore.ts";
import type { SimulatorSettings } from "./settings.ts";

/** KATO's server has so many threads (docs/kato.md, "Every RPC"). */
const threadCount = 10;
const stopLimitMs = 1_000;

/** A simulator that runs. */
export interface Simulator {
  /** `host:port` */
  readonly endpoint: string;
  /** The id of the processor that it is. */
  readonly processor: string;
  /** Refuses new calls, waits up to a second for those under way, and closes the file of its data. */
  stop(): Promise<void>;
}

/**
 * What a simulator is started with, all of it optional. The defaults: a free port of 127.0.0.1, data in
 * memory only, no delay, and KATO's own default manifest.
 */
export type SimulatorOptions = Partial<Omit<SimulatorSettings, "manifest">> & {
  manifest?: Partial<Manifest>;
};

/** Starts a simulated KATO in this process. `onCrashPoint` is called at each crash point that is passed. */
export async function startSimulator(
  options: SimulatorOptions = {},
  onCrashPoint: OnCrashPoint = () => {},
): Promise<Simulator> {
  const { host = "127.0.0.1", port = 0, delayMs = 0, dataFolder } = options;
  const manifest = { ...defaultManifest, ...options.manifest };
  const journal = dataFolder === undefined ? noJournal : openJournal(dataFolder, manifest.id);
  const knowledge = new Knowledge(journal, Math.trunc(manifest.persistence));
  const processor = new Processor(manifest, knowledge, delayMs, onCrashPoint);
  const server = createServer(createCallHandler(processor, onCrashPoint));
  const boundPort = await listen(server, host, port).catch((error: unknown) => {
    knowledge.close();
    throw error;
  });
  return {
    endpoint: `${host}:${boundPort}`,
    processor: processor.id,
    stop: async () => {
      await shutDown(server);
      knowledge.close();
    },
  };
}

function createServer(handleCall: HandleCall): Server {
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  });
  const threads = new Semaphore(threadCount);
  for (const method of Object.keys(rpcs)) {
    if (isMethod(method)) addMethod(server, method, handleCall, threads);
  }
  return server;
}

function addMethod<M extends Method>(
  server: Server,
  method: M,
  handleCall: HandleCall,
  threads: Semaphore,
): void {
  const definition: ServiceDefinition = { [method]: methodDefinition(method) };
  const handle = (
    call: ServerUnaryCall<RequestOf<M>, KatoResponse>,
    callback: sendUnaryData<KatoResponse>,
  ) => {
    const begin = async () => {
      // KATO does not begin a call that its client has given up by then (docs/kato.md, "Every RPC").
      if (call.cancelled) callback({ code: status.CANCELLED, details: "the client gave up" });
      else callback(null, await handleCall(method, call.request));
    };
    threads.run(begin).catch((error: Error) => callback({ code: status.INTERNAL, details: error.message }));
  };
  server.addService(definition, { [method]: handle });
}

function methodDefinition<M extends Method>(method: M): MethodDefinition<RequestOf<M>, KatoResponse> {
  return {
    path: pathOf(method),
    requestStream: false,
    responseStream: false,
    requestSerialize: (request) => encodeRequest(method, request),
    requestDeserialize: (bytes) => decodeRequest(method, bytes),
    responseSerialize: (response) => encodeResponse(method, response),
    responseDeserialize: (bytes) => decodeResponse(method, bytes),
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, boundPort) => {
      if (error) reject(error);
      else resolve(boundPort);
    });
  });
}

async function shutDown(server: Server): Promise<void> {
  const limit = setTimeout(() => server.forceShutdown(), stopLimitMs);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(limit);
}
