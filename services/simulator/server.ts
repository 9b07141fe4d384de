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
import { isMethod, rpcs } from "../../libs/kato/rpcs.ts";
import type { Reach } from "./crash-points.ts";
import type { Manifest } from "./manifest.ts";
import { defaultManifest } from "./manifest.ts";
import { noJournal, openJournal } from "./memory/journal.ts";
import { Knowledge } from "./memory/knowledge.ts";
import { Processor } from "./processor.ts";
import type { Answering } from "./rpc-handlers.ts";
import { answering } from "./rpc-handlers.ts";
import { Slots } from "./semaphore.ts";
import type { SimulatorSettings } from "./settings.ts";

const maxMessageBytes = 4 * 1024 * 1024;
const threadCount = 10;
const stopLimitMs = 1_000;

export interface Simulator {
  /** `host:port` */
  readonly endpoint: string;
  /** The processor's id. */
  readonly processor: string;
  /** Refuses new calls, lets those under way finish for up to a second, and closes its file. */
  stop(): Promise<void>;
}

/** What a simulator is started with; what is left out is on a free port of 127.0.0.1, in memory, as docs/kato.md has it. */
export type SimulatorOptions = Partial<Omit<SimulatorSettings, "manifest">> & {
  manifest?: Partial<Manifest>;
};

/** Starts a KATO instance in this process; `reach` is told of each place of faults.ts. */
export async function startSimulator(
  options: SimulatorOptions = {},
  reach: Reach = () => {},
): Promise<Simulator> {
  const { host = "127.0.0.1", port = 0, delayMs = 0, dataFolder } = options;
  const manifest = { ...defaultManifest, ...options.manifest };
  const journal = dataFolder === undefined ? noJournal : openJournal(dataFolder, manifest.id);
  const knowledge = new Knowledge(journal, Math.trunc(manifest.persistence));
  const processor = new Processor(manifest, knowledge, delayMs, reach);
  const server = katoServer(answering(processor, reach));
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

function katoServer(answer: Answering): Server {
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  });
  const threads = new Slots(threadCount);
  for (const method of Object.keys(rpcs)) {
    if (isMethod(method)) addMethod(server, method, answer, threads);
  }
  return server;
}

function addMethod<M extends Method>(server: Server, method: M, answer: Answering, threads: Slots): void {
  const definition: ServiceDefinition = { [method]: methodDefinition(method) };
  const handle = (
    call: ServerUnaryCall<RequestOf<M>, KatoResponse>,
    callback: sendUnaryData<KatoResponse>,
  ) => {
    const begin = async () => {
      // docs/kato.md, "RPC by RPC": begun, a call is carried to its end; until then its client can give it up.
      if (call.cancelled) callback({ code: status.CANCELLED, details: "the client gave up" });
      else callback(null, await answer(method, call.request));
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
