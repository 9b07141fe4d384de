import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { openUpload } from "../../fixtures/bulk.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { startGateway } from "../../fixtures/services.ts";
import { until } from "../../fixtures/until.ts";

/** A million takes half a minute: BULK_LINES=1000000 for that. */
const lines = Number(process.env.BULK_LINES ?? 300_000);
const linesAtOnce = 5_000;
const mebibyte = 1024 * 1024;

/** What `npm run gateway` and the images give to Node. Without it the heap goes on growing for half a million lines. */
const memoryOptions = ["--max-semi-space-size=16", "--heap-growing-percent=100"];

/** The memory that a process has from the operating system, in bytes. Linux only. */
async function residentBytes(pid: number): Promise<number> {
  const [, kilobytes = ""] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

test("a stream of hundreds of thousands of lines takes no more memory than one of some thousands", async (t) => {
  if (process.platform !== "linux") return t.skip("reads /proc");
  const nats = await startNats();
  t.after(() => nats.stop());
  const KATO_PROCESSORS = JSON.stringify({ p1: "127.0.0.1:9" });
  const gateway = await startGateway({
    natsUrl: nats.url,
    env: { KATO_PROCESSORS },
    nodeArgs: memoryOptions,
  });
  t.after(() => gateway.stop());
  const send = sendTo(gateway.url);
  await until("it is ready", async () => (await send("GET", "/ready")).status === 200);

  const stream = openUpload(gateway.url, "/p1/observations");
  const line = `${JSON.stringify({ strings: ["alpha", "beta"], metadata: { source: "test" } })}\n`;
  const some = Buffer.from(line.repeat(linesAtOnce));
  let before = 0;
  let most = 0;
  for (let written = 0; written < lines; written += linesAtOnce) {
    await stream.write(some);
    const now = await residentBytes(gateway.pid);
    most = Math.max(most, now);
    // By then the code is compiled, and V8's heap has the size that it keeps for short-lived objects.
    if (written === 150_000) before = most;
  }
  stream.request.end();
  const { status, json } = await stream.answer();
  assert.deepEqual([status, json.accepted], [202, lines]);
  const growth = most - before;
  t.diagnostic(`${Math.round(before / mebibyte)} MiB, and ${Math.round(growth / mebibyte)} MiB more at most`);
  assert.ok(growth < 60 * mebibyte, `grew by ${Math.round(growth / mebibyte)} MiB`);
});
