import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { linesOfTexts, ndjson, texts } from "../fixtures/bulk.ts";
import { sendTo } from "../fixtures/http-client.ts";
import { until } from "../fixtures/until.ts";
import type { ComposeProject, Topology } from "./compose-project.ts";
import { cluster, composeProject, noCompose, olderVersion, single } from "./compose-project.ts";
import { noDocker } from "./containers.ts";

// The way of an operator by the documents: one machine with an older version, an upgrade with commands queued, keys, a cluster, a lost
// node, a restored backup. At the end, and at each step, working memory is what was sent, and the counts with it.
const skip = noCompose ?? (await noDocker()) ?? false;
const id = "p46b6b076c";
const limitMs = 240_000;

describe("an installation from one machine to a restored cluster", { skip }, () => {
  let project: ComposeProject;
  let older: Topology | undefined;
  let key = "";
  /** How many observations were sent. */
  let sent = 0;
  const all = texts(600);

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), "kato-operator-"));
    mkdirSync(join(folder, "backups"));
    project = await composeProject(folder);
    older = olderVersion("c0c0f08", join(folder, "older"));
    if (older) await project.compose(older, "build", "gateway", "worker-1", "kato-p1");
    await project.compose(single, "build", "gateway", "worker-1", "kato-p1");
  });
  after(async () => {
    await project?.close();
    await rm(project.folder, { recursive: true, force: true });
  });

  const request = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    sendTo(project.url)(method, path, body, {
      ...(key !== "" && { authorization: `Bearer ${key}` }),
      ...headers,
    });

  /** Sends the next of the observations in one request, again and again until it is stored. */
  async function send(count: number): Promise<void> {
    const lines = linesOfTexts(all.slice(sent, sent + count));
    const headers = { ...ndjson, "idempotency-key": `from-${sent}` };
    const isStored = async () =>
      (await request("POST", `/${id}/observations`, lines, headers)).status === 202;
    await until("they are stored", isStored, limitMs);
    sent += count;
  }

  /** Asserts that everything that was sent is applied, once and in order. */
  async function assertExact(): Promise<void> {
    const { json: view } = await until(
      "all is applied",
      async () => {
        const answer = await request("GET", `/processors/${id}`);
        return answer.json.state === "ready" && answer.json.applied === sent && answer;
      },
      limitMs,
    );
    assert.partialDeepStrictEqual(view, { last: sent, depth: 0, interval: sent });
    assert.equal(view.degraded, undefined);
    // For some moments after a node is lost a query may be refused.
    const { json } = await until(
      "working memory is told",
      async () => {
        const answer = await request("GET", `/${id}/working-memory`);
        return answer.status === 200 && answer;
      },
      limitMs,
    );
    assert.deepEqual(
      json.message,
      all.slice(0, sent).map((text) => [text]),
    );
  }

  /** The command of docs/backup.md. */
  async function backupCommand(
    topology: Topology,
    { command, nats, options = [] }: { command: "backup" | "restore"; nats: string; options?: string[] },
    ...args: string[]
  ): Promise<void> {
    const file = join(project.folder, `${command}-password`);
    await project.compose(
      topology,
      ...["run", "--rm", ...options, "--user", String(process.getuid?.() ?? 0)],
      ...["-v", `${join(project.folder, "backups")}:/backups`, "-v", `${file}:/run/secrets/${command}:ro`],
      ...[
        "-e",
        `NATS_URL=nats://${command}@${nats}:4222`,
        "-e",
        `NATS_PASSWORD_FILE=/run/secrets/${command}`,
      ],
      ...["worker-1", "node", `scripts/${command}.ts`, ...args],
    );
  }

  test("the data of an older version's images goes on under those of this one, with what was queued", async () => {
    const first = older ?? single;
    await project.compose(first, "up", "-d");
    await send(100);
    await assertExact();
    await project.compose(first, "stop", "worker-1", "worker-2", "worker-3");
    await send(100);
    await project.compose(first, "down");
    if (older) await project.compose(single, "run", "--rm", "setup", "hand-over");
    await project.compose(single, "up", "-d");
    await assertExact();
  });

  test("with GATEWAY_AUTH nobody gets in without a key, and keys are made with the first one", async () => {
    project.settings.GATEWAY_AUTH = "keys";
    await project.compose(single, "up", "-d");
    await until(
      "it asks for keys",
      async () => (await request("GET", "/processors")).status === 401,
      limitMs,
    );
    const admin = await project.compose(
      single,
      "exec",
      "-T",
      "gateway",
      "cat",
      "/run/secrets/gateway/admin-key",
    );
    const given = ["keys", "add", "ingest", "--processors", "*", "--scope", "write"];
    const told = await project.compose(
      single,
      "exec",
      "-T",
      "-e",
      `KATO_KEY=${admin}`,
      "gateway",
      "kato",
      ...given,
    );
    key = /kato_\w{10}_[\w-]+/.exec(told)?.[0] ?? "";
    await send(100);
    await assertExact();
  });

  test("a cluster has all that one NATS had, by a backup and a restore, and does not begin without it", async () => {
    await project.compose(single, "run", "--rm", "setup", "backup-users");
    await project.compose(single, "restart", "nats");
    for (const user of ["backup", "restore"]) {
      const password = await until(
        "NATS runs again",
        () => project.compose(single, "exec", "-T", "nats", "cat", `/run/secrets/nats/${user}`),
        limitMs,
      );
      writeFileSync(join(project.folder, `${user}-password`), password, { mode: 0o600 });
    }
    const options = ["--no-deps"];
    await backupCommand(single, { command: "backup", nats: "nats", options }, "--keys", "/backups/move");
    await project.compose(single, "down");
    await assert.rejects(project.compose(cluster, "up", "-d"));
    await project.compose(cluster, "run", "--rm", "setup", "leave-former");
    const replicas = ["-e", "NATS_REPLICAS=3"];
    await backupCommand(
      cluster,
      { command: "restore", nats: "nats-1", options: replicas },
      "--keys",
      "/backups/move",
    );
    await project.compose(cluster, "up", "-d");
    await assertExact();
  });

  test("a lost node of NATS loses nothing, and comes back", async () => {
    await project.docker("kill", await project.containerOf(cluster, "nats-2"));
    await send(100);
    await assertExact();
    await project.compose(cluster, "up", "-d");
    await send(50);
    await assertExact();
  });

  test("a backup brings back what three empty nodes had, and clients go on", async () => {
    const options = ["--no-deps"];
    await backupCommand(cluster, { command: "backup", nats: "nats-1", options }, "--keys", "/backups/second");
    const before = sent;
    await send(20);
    await project.compose(cluster, "down");
    for (const node of [1, 2, 3]) await project.removeVolume(`nats-${node}-data`);
    await backupCommand(cluster, { command: "restore", nats: "nats-1" }, "--keys", "/backups/second");
    await project.compose(cluster, "up", "-d");
    sent = before;
    await assertExact();
    // What came after the backup is sent again.
    await send(20);
    await send(30);
    await assertExact();
  });
});
