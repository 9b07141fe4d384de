import Fastify from "fastify";
import { decodeResponse, encodeRequest } from "../../libs/kato/codec.ts";
import type { Observation } from "../../libs/kato/messages.ts";
import { callRaw, openClient } from "./grpc-call.ts";

/**
 * The baseline: REST straight to gRPC, with no order, no log and no validation. It is told its processors as
 * `PROCESSORS={"id": "host:port"}` and prints where it listens.
 */
const endpoints = Object.entries(JSON.parse(process.env.PROCESSORS ?? "{}") as Record<string, string>);
const clients = new Map(endpoints.map(([id, endpoint]) => [id, openClient(endpoint)]));
const app = Fastify({ logger: false });

function clientOf(id: string) {
  const client = clients.get(id);
  if (!client) throw new Error(`no processor ${id}`);
  return client;
}

app.post<{ Params: { id: string }; Body: Observation }>("/:id/observe", async ({ params, body }) => {
  const bytes = await callRaw(clientOf(params.id), "Observe", encodeRequest("Observe", body));
  const { id, interval, unique_id } = decodeResponse("Observe", bytes);
  const message = { status: "observed", auto_learned_model: "" };
  return { id, interval, time_stamp: Date.now() / 1_000, status: "okay", message, unique_id };
});

app.post<{ Params: { id: string } }>("/:id/clear-working-memory", async ({ params }) => {
  const request = encodeRequest("ClearWorkingMemory", {});
  const bytes = await callRaw(clientOf(params.id), "ClearWorkingMemory", request);
  const { id, interval, message } = decodeResponse("ClearWorkingMemory", bytes);
  return { id, interval, time_stamp: Date.now() / 1_000, status: "okay", message };
});

console.log(`listening on ${await app.listen({ host: "127.0.0.1", port: 0 })}`);
process.once("SIGTERM", () => process.exit(0));
