import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { linesOfTexts, ndjson, openUpload, texts, untilDone } from "../../fixtures/bulk.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { including, startNats } from "../../fixtures/nats-server.ts";
import type { Service } from "../../fixtures/services.ts";
import { startGateway, startSimulatorProcess, startWorker } from "../../fixtures/services.ts";
import { untilUsable } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

// Passwords with characters that mean something in a URL.
const passwords = { gateway: "g@te/w:y", worker: "w0rk,r" };
const usersFile = resolve(import.meta.dirname, "../../../deploy/nats/users.conf");

let nats: TestNatsServer;
let instance: Service;
let gateways: Service[];
let worker: Service;
const urlFor = (user: keyof typeof passwords, password: string = passwords[user]) =>
  nats.url.replace("//", `//${user}:${encodeURIComponent(password)}@`);

before(async () => {
  process.env.NATS_GATEWAY_PASSWORD = JSON.stringify(passwords.gateway);
  process.env.NATS_WORKER_PASSWORD = JSON.stringify(passwords.worker);
  nats = await startNats({ config: [including(usersFile)] });
  instance = await startSimulatorProcess({ MANIFEST: '{"id": "p1"}' });
  const env = { KATO_PROCESSORS: `{"p1": "127.0.0.1:${instance.port}"}`, LOG_LEVEL: "trace" };
  gateways = [
    await startGateway({ natsUrl: urlFor("gateway"), env }),
    await startGateway({ natsUrl: urlFor("gateway"), env: { LOG_LEVEL: "trace" } }),
  ];
  worker = await startWorker({
    natsUrl: urlFor("worker"),
    env: { LOG_LEVEL: "trace", LOG_HISTORY: "0", LOG_TRIM_MS: "100" },
  });
  await Promise.all(gateways.map(({ url }) => untilUsable(url)));
});
after(async () => {
  for (const service of [...(gateways ?? []), worker, instance, nats]) await service?.stop();
});

/** The lines in which NATS says that it has refused something. */
const violations = () => nats.output().match(/.*(Publish|Subscription) Violation.*/g) ?? [];

test("with the users that are shipped gateways and workers can do all that they do", async () => {
  const [first, second] = gateways;
  assert.ok(first && second);
  const [request, other] = [sendTo(first.url), sendTo(second.url)];
  const succeed = async (...args: Parameters<typeof request>) => {
    const answer = await request(...args);
    assert.ok(answer.status < 300, `${args[0]} ${args[1]}: ${answer.status} ${answer.text}`);
    return answer.json;
  };
  await succeed("POST", "/p1/observe", { strings: ["a"] });
  await succeed("POST", "/p1/observe", { strings: ["b"] }, { "idempotency-key": "b" });
  await succeed("POST", "/p1/learn");
  await succeed("GET", "/p1/predictions");

  // Before it answers 504 the gateway asks the worker to cancel the command.
  await instance.kill("SIGSTOP");
  const late = await request("POST", "/p1/observe", { strings: ["late"] }, { prefer: "wait=1" });
  await instance.kill("SIGCONT");
  assert.equal(late.status, 504, late.text);

  const failed = await succeed("DELETE", "/p1/model/none", undefined, { prefer: "respond-async" });
  await succeed("GET", "/p1/ping", undefined, { "kato-after": String(failed.sequence) });
  await succeed("GET", `/p1/commands/${failed.command}`);
  await succeed("DELETE", `/processors/p1/dead-letters/${failed.sequence}`);

  // A gateway asks the other one about an upload that the other one takes in.
  const open = openUpload(first.url, "/p1/observations", { "idempotency-key": "open" });
  await open.write(linesOfTexts(texts(50)));
  await until(
    "the first half is stored",
    async () => Number((await succeed("GET", "/processors/p1")).last) > 50,
  );
  const busy = await other("POST", "/p1/observations", linesOfTexts(texts(100)), {
    ...ndjson,
    "idempotency-key": "open",
  });
  assert.equal(busy.status, 409, busy.text);
  open.request.end(linesOfTexts(texts(100).slice(50)));
  const { ingestion } = (await open.answer()).json;
  await untilDone(other, `/p1/ingestions/${ingestion}`);

  const { id: key } = await succeed("POST", "/keys", {
    name: "one",
    grants: { processors: ["*"], scope: "read" },
  });
  await until("the other gateway knows the key", async () =>
    (await other("GET", "/keys")).text.includes(String(key)),
  );
  await succeed("DELETE", `/keys/${key}`);
  await succeed("GET", "/audit");
  await succeed("GET", "/processors/p1/log");
  await succeed("GET", "/processors/p1/ingestions");
  // On a busy machine an instance that is there may seem down for a moment.
  await until("p1 is rebuilt", () => succeed("POST", "/processors/p1/rebuild"));
  await succeed("POST", "/processors/p1/pause");
  await succeed("POST", "/processors/p1/resume");
  await succeed("PUT", "/processors/p2", { grpc_endpoint: `127.0.0.1:${instance.port}` });
  await succeed("DELETE", "/processors/p2");

  await instance.restart();
  await worker.restart({ LEASE_MS: "4000" });
  await until("it is applied again", async () => (await request("POST", "/p1/observe", {})).status === 200);
  assert.deepEqual(violations(), []);
  await nats.restart();
  await until(
    "it is applied once more",
    async () => (await request("POST", "/p1/observe", {})).status === 200,
  );
  const { json } = await request("GET", "/p1/working-memory");
  const isLateApplied = late.json.effect === "unknown" ? 1 : 0;
  assert.equal((json.message as unknown[]).length, 100 + isLateApplied);
  assert.deepEqual(violations(), []);
  // No user may delete a stream, so p2's is only emptied.
  await succeed("DELETE", "/processors/p2?data=true");
  const [violation = "", ...more] = violations();
  assert.match(violation, /STREAM\.DELETE\.KATO_p2/);
  assert.deepEqual(more, []);
});

test("without its password a user is refused, a service that waits for NATS says why, and no log has a password", async () => {
  await assert.rejects(connect({ servers: nats.url }), /authorization/i);
  const stranger = await startWorker({ natsUrl: urlFor("worker", "s3cret"), ready: /refuses the user/ });
  await stranger.stop();
  const outputs = [...gateways, worker, stranger].map((service) => service.output()).join("\n");
  assert.match(outputs, /connected to NATS/);
  for (const password of [...Object.values(passwords), "s3cret"]) {
    assert.ok(!outputs.includes(password) && !outputs.includes(encodeURIComponent(password)));
  }
});
