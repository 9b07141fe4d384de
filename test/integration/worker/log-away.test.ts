import assert from "node:assert/strict";
import { test } from "node:test";
import { startGrpcProxy } from "../../fixtures/grpc-proxy.ts";
import { KatoClient } from "../../fixtures/kato-client.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

/** The sha1 of what Python prints for [['a'], ['b']]: the name of that model. */
const sha1OfAB = "76d7efca2e96cb5eeddf4e06ac96a0f424630135";

test("a command is not skipped because the log could not be read to settle it (A3)", async (t) => {
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  let learns = 0;
  const system = await startSystemHere({
    workerEnv: { LEASE_MS: "60000", CALL_TIMEOUT_MS: "500" },
    between: async (port) => {
      const proxy = await startGrpcProxy(port, (method) => {
        if (method !== "Learn" || learns++ > 0) return undefined;
        // The Learn is never begun, and NATS does not answer when the worker looks for what became of it.
        void system.nats.kill("SIGSTOP");
        return "nothing";
      });
      return stack.use(proxy).port;
    },
  });
  stack.use(system);
  const kato = new KatoClient(`127.0.0.1:${system.simulator.port}`);
  stack.defer(() => kato.close());
  const post = (path: string, body?: unknown) =>
    system.request("POST", `/p1${path}`, body, { prefer: "respond-async" });

  for (const text of ["a", "b"]) assert.equal((await post("/observe", { strings: [text] })).status, 202);
  assert.equal((await post("/learn")).status, 202);
  await until("the worker could not read the log", () =>
    system.worker.output().includes("the log cannot be read"),
  );
  await system.nats.kill("SIGCONT");

  await until("everything is applied", async () => {
    const { applied, last, state } = (await system.request("GET", "/processors/p1")).json;
    return state === "ready" && applied === 3 && last === 3;
  });
  assert.equal((await kato.model(sha1OfAB)).frequency, 1);
  assert.deepEqual(await kato.workingMemory(), []);
});
