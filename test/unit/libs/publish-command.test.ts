import assert from "node:assert/strict";
import { test } from "node:test";
import { JetStreamApiError } from "@nats-io/jetstream";
import { TimeoutError } from "@nats-io/transport-node";
import type { Stored } from "../../../libs/commands/log/publish-command.ts";
import { publishCommand } from "../../../libs/commands/log/publish-command.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";

const command = { id: "c1", processor: "p1", method: "Observe", data: new Uint8Array() };
const ack = { stream: "KATO_p1", domain: "", seq: 7, duplicate: false };
const full = new JetStreamApiError({ code: 503, err_code: 10_077, description: "maximum bytes exceeded" });
const noLeader = new JetStreamApiError({ code: 503, err_code: 10_008, description: "no leader" });
const noAnswer = new TimeoutError();

/** Publishes with these answers, one after the other; an error is no acknowledgement. */
async function published(
  ...answers: (Error | typeof ack)[]
): Promise<{ stored: Stored; ids: (string | undefined)[] }> {
  const ids: (string | undefined)[] = [];
  const publish = async (
    _subject: string,
    _data: unknown,
    options?: { headers?: { get(name: string): string } },
  ) => {
    ids.push(options?.headers?.get("Nats-Msg-Id"));
    const answer = answers.shift();
    assert.ok(answer, "it is not published more often");
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const stored = await publishCommand({ isClosed: () => false }, { publish }, command);
  return { stored, ids };
}

const isError = (code: string, effect: string) => (error: unknown) =>
  error instanceof GatewayError && error.code === code && error.context.effect === effect;

test("a command that is not acknowledged is published again, under the same id (A2)", async () => {
  const { stored, ids } = await published(noAnswer, noAnswer, ack);
  assert.deepEqual(stored, { sequence: 7, duplicate: false });
  assert.deepEqual(ids, ["c1", "c1", "c1"]);
});

test("a command that was refused at once has no effect", async () => {
  await assert.rejects(published(full), isError("LOG_FULL", "none"));
  await assert.rejects(published(noLeader), isError("NATS_UNAVAILABLE", "none"));
});

test("a command that was refused after an attempt without an answer may be stored all the same (A7)", async () => {
  await assert.rejects(published(noAnswer, full), isError("NATS_UNAVAILABLE", "unknown"));
});

test("a command that is never acknowledged may be stored (A7)", async () => {
  await assert.rejects(published(noAnswer, noAnswer, noAnswer), isError("NATS_UNAVAILABLE", "unknown"));
});
