import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandRecord } from "../../../libs/commands/outcomes/outcome-store.ts";
import { findCommand } from "../../../services/gateway/dispatch/find-command.ts";
import type { Backend } from "../../../services/gateway/fleet/backend.ts";

/** What is said of a command that was stored and has no outcome in its record. */
async function stateOf(
  sequence: number,
  { reported, persisted }: { reported: number | undefined; persisted: number },
): Promise<string | undefined> {
  const record: CommandRecord = { command: "c", method: "Observe", state: "queued", sequence, atMs: 0 };
  const checkpoint = { operation: "PUT", json: () => ({ applied: persisted }) };
  const backend = {
    nats: { connected: true },
    states: { applied: () => reported, get: () => undefined },
    stores: {
      outcomes: { find: async () => ({ record, revision: 1, storedAtMs: 0 }) },
      checkpoints: { get: async () => checkpoint },
    },
  };
  return (await findCommand(backend as unknown as Backend, "p1", "c"))?.record.state;
}

test("while no worker tells what is applied, an outcome that nobody recorded stays unknown (A7)", async () => {
  assert.equal(await stateOf(5, { reported: 5, persisted: 4 }), "unknown");
  assert.equal(await stateOf(5, { reported: undefined, persisted: 5 }), "unknown");
  assert.equal(await stateOf(5, { reported: undefined, persisted: 4 }), "queued");
  assert.equal(await stateOf(5, { reported: 4, persisted: 4 }), "queued");
});
