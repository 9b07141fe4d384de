import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Send } from "../fixtures/http-client.ts";
import { sendTo } from "../fixtures/http-client.ts";
import { eventsOf, untilIdle } from "../fixtures/processors.ts";
import type { Service } from "../fixtures/services.ts";
import { startGateway, startWorker } from "../fixtures/services.ts";
import type { ServiceHere } from "../fixtures/services-here.ts";
import type { System } from "../fixtures/system.ts";
import { assembleSystem, untilUsable } from "../fixtures/system.ts";
import { partsHere } from "../fixtures/system-here.ts";
import { until } from "../fixtures/until.ts";

/** Enough for several requests in each moment of a stop and of a start. */
const perSecond = 25;
const requestLimitMs = 90_000;
/**
 * A slow machine does not answer so many a second. More under way would only wait longer than a stop takes.
 */
const mostUnderWay = 50;
const ids = ["p1", "p2", "p3"];
const workerEnv = { LEASE_MS: "1000" };

let system: System<Service, Service, ServiceHere>;
let workers: Service[];
before(async () => {
  system = await assembleSystem(
    {
      processors: ids.map((id) => ({ id })),
      gateways: 2,
      gatewayEnv: { GATEWAY_STOP_GRACE_MS: "1000" },
      workerEnv,
    },
    { ...partsHere, startGateway, startWorker },
  );
  workers = [system.worker, await startWorker({ natsUrl: system.nats.url, env: workerEnv })];
});
after(async () => {
  await workers?.[1]?.stop();
  await system?.stop();
});

/** A load balancer: it sends requests to the ready gateways in turns, and keeps its connections. */
function balance(gateways: readonly Service[]) {
  const clients = gateways.map(({ url }) => sendTo(url, requestLimitMs));
  const ready = new Set(clients);
  let isClosed = false;
  // One question after the other, so that no earlier answer comes after a later one.
  const follow = async (send: Send) => {
    while (!isClosed) {
      const isReady = await send("GET", "/ready", undefined, { connection: "close" }).then(
        ({ status }) => status === 200,
        () => false,
      );
      if (isReady) ready.add(send);
      else ready.delete(send);
      await sleep(50);
    }
  };
  for (const send of clients) void follow(send);
  let turn = 0;
  return {
    close: () => {
      isClosed = true;
    },
    /** Gives the status, with the body where it is an error, or how the request failed. */
    async send(...[method, path, ...rest]: Parameters<Send>): Promise<string> {
      const send = [...ready][turn++ % Math.max(ready.size, 1)];
      if (!send) return "no gateway is ready";
      try {
        const { status, text } = await send(method, path, ...rest);
        return status < 300 ? String(status) : `${status} ${text}`;
      } catch (error) {
        return `${method} ${path}: ${(error as Error).message}`;
      }
    },
  };
}

test("no request fails while gateways and workers are restarted one after the other under load", async () => {
  const balancer = balance(system.gateways);
  const answers: Promise<string>[] = [];
  let observations = 0;
  let underWay = 0;
  let isOver = false;
  const send = (...request: Parameters<typeof balancer.send>) => {
    underWay++;
    answers.push(balancer.send(...request).finally(() => underWay--));
  };
  const loading = (async () => {
    const startedAt = performance.now();
    while (!isOver) {
      const due = ((performance.now() - startedAt) / 1_000) * perSecond;
      while (answers.length < due && underWay < mostUnderWay) {
        const id = ids[answers.length % ids.length];
        const kind = answers.length % 4;
        if (kind === 3) {
          send("GET", `/${id}/gene/persistence`);
          continue;
        }
        observations++;
        // Long enough for a machine that has much else to do.
        const headers = { prefer: kind === 2 ? "respond-async" : "wait=60" };
        send("POST", `/${id}/observe`, { strings: [`e${observations}`] }, headers);
      }
      await sleep(5);
    }
  })();

  for (const gateway of system.gateways) {
    await gateway.restart();
    await untilUsable(gateway.url);
  }
  const look = sendTo(system.gateway.url);
  for (const worker of workers) {
    await worker.restart();
    await until("both workers have their share", async () => {
      const { processors } = (await look("GET", "/processors")).json as { processors: { worker: string }[] };
      return new Set(processors.map((processor) => processor.worker)).size === workers.length;
    });
  }
  isOver = true;
  await loading;
  const failed = (await Promise.all(answers)).filter((answer) => !/^20[02]$/.test(answer));
  balancer.close();
  assert.deepEqual(failed.slice(0, 5), [], `${failed.length} of ${answers.length}`);

  let found = 0;
  for (const id of ids) {
    await untilIdle(look, id);
    found += (await eventsOf(look, id)).length;
  }
  assert.equal(found, observations, "each was applied once");
});
