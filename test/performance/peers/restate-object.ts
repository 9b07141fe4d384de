import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Context, ObjectContext } from "@restatedev/restate-sdk";
import { createEndpointHandler, object, service } from "@restatedev/restate-sdk";
import { decodeResponse, encodeRequest } from "../../../libs/kato/codec.ts";
import type { Observation } from "../../../libs/kato/messages.ts";
import { callRaw, openClient } from "../grpc-call.ts";

/**
 * Restate's counterpart of our worker: virtual objects, one per processor, which calls KATO for one invocation at a
 * time. It is told its processors as `PROCESSORS={"id": "host:port"}` and prints where it listens.
 */
const endpoints = Object.entries(JSON.parse(process.env.PROCESSORS ?? "{}") as Record<string, string>);
const clients = new Map(endpoints.map(([id, endpoint]) => [id, openClient(endpoint)]));

async function callObserve(id: string, observation: Observation) {
  const bytes = await callRaw(clientOf(id), "Observe", encodeRequest("Observe", observation));
  const response = decodeResponse("Observe", bytes);
  const message = { status: "observed", auto_learned_model: "" };
  return { ...answerOf(response), message, unique_id: response.unique_id };
}

async function callClear(id: string) {
  const request = encodeRequest("ClearWorkingMemory", {});
  const bytes = await callRaw(clientOf(id), "ClearWorkingMemory", request);
  const response = decodeResponse("ClearWorkingMemory", bytes);
  return { ...answerOf(response), message: response.message };
}

function clientOf(id: string) {
  const client = clients.get(id);
  if (!client) throw new Error(`no processor ${id}`);
  return client;
}

function answerOf({ id, interval }: { id: string; interval: number }) {
  return { id, interval, time_stamp: Date.now() / 1_000, status: "okay" };
}

/** The least that Restate can do: it keeps that it was asked, and what it has answered. */
const plain = object({
  name: "plain",
  handlers: {
    observe: (context: ObjectContext, observation: Observation) => callObserve(context.key, observation),
    clear: (context: ObjectContext) => callClear(context.key),
  },
});

/** As its documentation has it for calls to others: it keeps besides what the call has returned, before it goes on. */
const journaled = object({
  name: "journaled",
  handlers: {
    observe: (context: ObjectContext, observation: Observation) =>
      context.run("observe", () => callObserve(context.key, observation)),
    clear: (context: ObjectContext) => context.run("clear", () => callClear(context.key)),
  },
});

/** Many observations in one request. They are queued in their order, and nobody waits for them. */
const bulk = service({
  name: "bulk",
  handlers: {
    observe: async (context: Context, { id, observations }: { id: string; observations: Observation[] }) => {
      const queue = context.objectSendClient(plain, id);
      for (const observation of observations) queue.observe(observation);
    },
  },
});

const handler = createEndpointHandler({ services: [plain, journaled, bulk] });
const server = createServer(handler).listen(0, "127.0.0.1");
await once(server, "listening");
console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
process.once("SIGTERM", () => process.exit(0));
