import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startSimulator } from "../../services/simulator/server.ts";
import { startNats } from "../fixtures/nats-server.ts";
import { startGateway, startWorker } from "../fixtures/services.ts";
import { until } from "../fixtures/until.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf, median } from "./rounds.ts";

const processors = 500;
const requestsAtOnce = 20;
const scrapesPerRound = 5;

/**
 * How long a scrape of the worker takes that runs 500 processors, each of which has seen traffic, against a
 * server that has the same text ready; `gatewayMs` is the gateway's.
 */
export async function scrapeLatency(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const ids = Array.from({ length: processors }, (_, index) => `p${index}`);
  const endpoints: Record<string, string> = {};
  for (const id of ids) {
    const simulator = await startSimulator({ manifest: { id } });
    stack.defer(() => simulator.stop());
    endpoints[id] = simulator.endpoint;
  }
  const nats = stack.use(await startNats());
  const KATO_PROCESSORS = JSON.stringify(endpoints);
  const gateway = stack.use(await startGateway({ natsUrl: nats.url, env: { KATO_PROCESSORS } }));
  // As it is the text that is measured, and not the leases.
  const worker = stack.use(await startWorker({ natsUrl: nats.url, env: { LEASE_MS: "30000" } }));
  await useAll(gateway.url, ids);

  const text = await scrape(worker.url);
  const plain = createServer((_request, response) => void response.end(text)).listen(0, "127.0.0.1");
  stack.defer(() => void plain.close());
  await once(plain, "listening");
  const plainUrl = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
  const rounds = await alternate(
    11,
    () => scrapeMs(worker.url),
    () => scrapeMs(plainUrl),
  );
  const gatewayMs: number[] = [];
  for (let round = 0; round < 11; round++) gatewayMs.push(await scrapeMs(gateway.url));
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  const figure = figureOf({ name: "scrape_500", unit: "ms", goal: "value < 20 ms" }, rounds, (ms) => ms);
  return [{ ...figure, series, gatewayMs: Number(median(gatewayMs).toPrecision(4)) }];
}

/** Has every processor observe, learn, answer a query and refuse a model. */
async function useAll(url: string, ids: string[]): Promise<void> {
  const waiting = ids.toReversed();
  const useNext = async () => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      await until(
        `${id} can be used`,
        async () => (await send(url, `/${id}/observe`, "POST")) === 200,
        60_000,
      );
      await send(url, `/${id}/learn`, "POST");
      await send(url, `/${id}/predictions`, "GET");
      await send(url, `/${id}/model/none`, "DELETE");
    }
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, useNext));
}

async function send(url: string, path: string, method: string): Promise<number> {
  const body = path.endsWith("/observe") ? JSON.stringify({ strings: ["a"] }) : null;
  const response = await fetch(`${url}${path}`, { method, body });
  await response.arrayBuffer();
  return response.status;
}

async function scrape(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

/** The median of a few. */
async function scrapeMs(url: string): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < scrapesPerRound; count++) {
    const begunAt = performance.now();
    await scrape(url);
    times.push(performance.now() - begunAt);
  }
  return median(times);
}
