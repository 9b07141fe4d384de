import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openConsole, skip } from "../fixtures/browser.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf, median } from "./rounds.ts";
import type { Sides } from "./sides.ts";

const rounds = 9;
const pollsPerRound = 5;

/**
 * The console in a browser that has nothing of it: how long after it was asked for the first processor is seen, beside
 * the least page that asks for as much; and what a poll of 1,000 processors takes of the page's main thread, beside one
 * of 10. Nothing is measured where there is no Chromium.
 */
export async function consolePage(sides: Sides): Promise<Figure[]> {
  if (skip !== false) return [];
  const browser = await openBrowser();
  try {
    return [await firstView(browser, sides), await fleetUpdate(browser, sides)];
  } finally {
    await browser.close();
  }
}

/** Tells when the first link to a processor is there, by the page's own clock. */
const watch = `
  new MutationObserver((_, observer) => {
    if (!document.querySelector("a[href*='processors/']")) return;
    globalThis.seenMs = performance.now();
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
`;

/** A page that shows a processor with one script and the same two requests, one after the other. */
const leastPage = '<!doctype html><title>least</title><body><script type="module" src="least.js"></script>';
const leastScript = `
  await (await fetch("session")).json();
  const { processors } = await (await fetch("processors")).json();
  document.body.innerHTML = processors.map(({ id }) => '<a href="processors/' + id + '">' + id + "</a>").join("");
`;

async function firstView(browser: Browser, { gateway }: Sides): Promise<Figure> {
  const server = createServer((request, response) => {
    const isScript = request.url === "/least.js";
    const isPage = request.url === "/console";
    const type = isScript ? "text/javascript" : isPage ? "text/html" : "application/json";
    const answer = isScript ? leastScript : isPage ? leastPage : '{"processors": [{"id": "p1"}]}';
    response.writeHead(200, { "content-type": type }).end(answer);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const busyMs: number[] = [];
  const seenMs = (port: number) => async () => {
    await using console = await openConsole(browser, `http://127.0.0.1:${port}`);
    const { page } = console;
    await page.addInitScript(watch);
    const mainThreadMs = await mainThreadOf(page);
    await page.goto(`http://127.0.0.1:${port}/console`);
    await page.locator("a[href*='processors/']").first().waitFor();
    if (port === gateway.port) busyMs.push(await mainThreadMs());
    return Number(await page.evaluate("seenMs"));
  };
  const { port } = server.address() as AddressInfo;
  const measured = await alternate(rounds, seenMs(gateway.port), seenMs(port));
  server.close();
  const figure = figureOf(
    { name: "console_first_view", unit: "ms", goal: "value < 300 ms" },
    measured,
    (milliseconds) => milliseconds,
  );
  return { ...figure, mainThreadMs: Number(median(busyMs).toPrecision(4)) };
}

async function fleetUpdate(browser: Browser, { gateway }: Sides): Promise<Figure> {
  const url = `http://127.0.0.1:${gateway.port}`;
  const many = await openFleet(browser, url, 1_000);
  const few = await openFleet(browser, url, 10);
  const measured = await alternate(rounds, many.pollMs, few.pollMs);
  await many.close();
  await few.close();
  return figureOf(
    { name: "console_fleet_1000", unit: "ms", goal: "value < 50 ms" },
    measured,
    (milliseconds) => milliseconds,
  );
}

/** What says how much CPU time the page's main thread has taken, whatever else the machine does. */
async function mainThreadOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1_000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0);
  };
}

/** Opens the fleet with so many processors, each of which changes with each poll. */
async function openFleet(browser: Browser, url: string, count: number) {
  const console = await openConsole(browser, url);
  const { page } = console;
  const processors = Array.from({ length: count }, (_, index) => ({
    ...{ id: `p${index}`, name: `p${index}`, endpoint: "kato:1441", grpc_tls: false, source: "rest" },
    ...{ paused: false, healthy: true, state: "ready", depth: 1, applied: 5, oldest_seconds: 1, rate: 1 },
  }));
  await page.clock.install();
  await page.addInitScript(`
    const processors = ${JSON.stringify(processors)};
    const own = globalThis.fetch;
    globalThis.polls = 0;
    globalThis.fetch = async (path, options) => {
      if (path !== "processors") return own(path, options);
      polls++;
      return new Response(JSON.stringify({ processors: processors.map((each, at) => ({ ...each, rate: (polls + at) % 9 })) }));
    };
  `);
  await console.show("#/", "Fleet");
  await page.getByRole("link", { name: "p0", exact: true }).waitFor();
  const busyMs = await mainThreadOf(page);
  return {
    async pollMs(): Promise<number> {
      const [pollsBefore, before] = [Number(await page.evaluate("polls")), await busyMs()];
      let polls = 0;
      while (polls < pollsPerRound) {
        await page.clock.runFor(2_050);
        polls = Number(await page.evaluate("polls")) - pollsBefore;
      }
      return ((await busyMs()) - before) / polls;
    },
    close: () => console[Symbol.asyncDispose](),
  };
}
