import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

const gatewayTimeoutMs = 30_000;
const processorsTimeoutMs = 20_000;

/** A processor as `GET /processors` shows it, as far as it is used here. */
export interface ProcessorView {
  id: string;
  name: string;
  endpoint: string;
  healthy: boolean;
}

/** Resolves once the gateway is ready. Rejects after 30 s. */
export async function waitForGateway(baseUrl: string, signal: AbortSignal): Promise<void> {
  const isReady = await poll(
    gatewayTimeoutMs,
    signal,
    async () => (await get(baseUrl, "/ready", signal))?.isOk,
  );
  if (!isReady) throw new Error(`the gateway is not ready after ${gatewayTimeoutMs / 1000} s`);
}

/** Resolves to the processors, sorted by name, once all of them are healthy, or after 20 s. */
export async function waitForProcessors(baseUrl: string, signal: AbortSignal): Promise<ProcessorView[]> {
  let processors: ProcessorView[] = [];
  await poll(processorsTimeoutMs, signal, async () => {
    const response = await get(baseUrl, "/processors", signal);
    if (response?.isOk) ({ processors } = JSON.parse(response.body) as { processors: ProcessorView[] });
    return processors.length > 0 && processors.every(({ healthy }) => healthy);
  });
  return processors.toSorted((a, b) => a.name.localeCompare(b.name));
}

/** What is answered; undefined if nobody answers. */
async function get(
  baseUrl: string,
  path: string,
  signal: AbortSignal,
): Promise<{ isOk: boolean; body: string } | undefined> {
  // It asks the gateway that it has started itself, whose certificate is for another name than this address.
  const options = { signal, rejectUnauthorized: false };
  try {
    const url = `${baseUrl}${path}`;
    const request = baseUrl.startsWith("https:") ? https.get(url, options) : http.get(url, options);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return { isOk: response.statusCode === 200, body: await text(response) };
  } catch {
    return undefined;
  }
}

async function poll(
  timeoutMs: number,
  signal: AbortSignal,
  isDone: () => Promise<boolean | undefined>,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (await isDone()) return true;
    await sleep(50, undefined, { signal });
  }
  return false;
}
