import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newApiKey } from "../../services/gateway/access/api-key.ts";
import { sendTo } from "../fixtures/http-client.ts";
import { startGateway } from "../fixtures/services.ts";
import { until } from "../fixtures/until.ts";
import { cpuTimeMs } from "./cpu-time.ts";
import { load, observeRequest } from "./load.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf } from "./rounds.ts";
import type { Side, Sides } from "./sides.ts";
import { clearWorkingMemory } from "./sides.ts";

const connections = 32;

/**
 * What it costs to ask who somebody is: the CPU time of an Observe through a gateway that takes keys, beside one
 * through a gateway that is open. Both are before the same worker and the same NATS.
 */
export async function keyCost(sides: Sides): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "kato-bench-"));
  const admin = newApiKey("admin").text;
  writeFileSync(join(folder, "admin-key"), admin);
  await using gateway = await startGateway({
    natsUrl: sides.natsUrl,
    nodeArgs: process.execArgv,
    env: { LOG_LEVEL: "error", GATEWAY_AUTH: "keys", GATEWAY_ADMIN_KEY_FILE: join(folder, "admin-key") },
  });
  const send = sendTo(gateway.url);
  const asAdmin = { authorization: `Bearer ${admin}` };
  const grants = { processors: ["*"], scope: "write" };
  // As clients have it: not the key of the file, but one of the bucket.
  const key = await until("a key is made", async () => {
    const { status, json } = await send("POST", "/keys", { name: "bench", grants }, asAdmin);
    return status === 201 && String(json.key);
  });
  const [, ...shared] = sides.gateway.pids;
  const withKeys: Side = { port: gateway.port, pids: [gateway.pid, ...shared] };
  const measure = (side: Side, headers: string[]) => async () => {
    const requests = Array.from({ length: connections }, (_, index) =>
      observeRequest(sides.processors[index % sides.processors.length] ?? "", headers),
    );
    const before = cpuTimeMs(side.pids);
    const { requests: count } = await load(side.port, requests, 1_200);
    const cpuMs = cpuTimeMs(side.pids) - before;
    await clearWorkingMemory(sides.gateway.port);
    return cpuMs / count;
  };
  const rounds = await alternate(
    15,
    measure(withKeys, [`authorization: Bearer ${key}`]),
    measure(sides.gateway, []),
  );
  rmSync(folder, { recursive: true });
  return [figureOf({ name: "key_cost", unit: "ms CPU", goal: "<= 1.03" }, rounds, (each) => each)];
}
