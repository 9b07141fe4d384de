import type { Browser } from "playwright-core";
import { startSimulator } from "../../../services/simulator/server.ts";
import type { adminKey } from "../../fixtures/access.ts";
import { bearer } from "../../fixtures/access.ts";
import type { Console } from "../../fixtures/browser.ts";
import { ConsolePool, openBrowser, openConsole } from "../../fixtures/browser.ts";
import type { Service } from "../../fixtures/services.ts";
import { startSimulatorProcess } from "../../fixtures/services.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

/** What all tests of the console share: one system, whose gateway asks for keys, and one browser. */
export interface TheConsole {
  system: SystemHere;
  /** The instance of `dies`, which is killed. */
  mortal: Service;
  browser: Browser;
  /** The key of an administrator. */
  key: string;
  url: string;
  /** Opens the console with the administrator's key, in a page that others may have used. */
  open(): Promise<Console>;
  /** The same with another key, or with none. */
  openWith(key: string | undefined): Promise<Console>;
  /** Opens the console in a page of its own, whose clock or whose Content-Security-Policy are the test's. */
  openAlone(options?: { bypassCSP?: boolean }): Promise<Console>;
  /** What the gateway answers to a query, for example `/p1/predictions`. */
  messageOf(path: string): Promise<unknown>;
  lettersOf(id: string): Promise<{ sequence: number }[]>;
  untilProcessor(
    id: string,
    what: string,
    condition: (processor: ProcessorFacts) => boolean,
  ): Promise<unknown>;
  stop(): Promise<void>;
}

type ProcessorFacts = Record<string, unknown>;

/** Processors beside `p1` and `dies`. Each test that changes one has it for itself. */
const others = [
  "teach",
  "operate",
  "letters",
  "log",
  "upload",
  "resume",
  "correct",
  "left",
  "right",
  "keyboard",
  "held",
  "large",
  "other",
];

export async function startTheConsole({ key, env }: ReturnType<typeof adminKey>): Promise<TheConsole> {
  const [system, browser] = await Promise.all([
    startSystemHere({ gatewayEnv: env, headers: bearer(key) }),
    openBrowser(),
  ]);
  const mortal = await startSimulatorProcess({ MANIFEST: '{"id": "dies"}' });
  const simulators = await Promise.all(others.map((id) => startSimulator({ manifest: { id } })));
  const { request, succeed, gateway } = system;
  const endpoints: [id: string, endpoint: string][] = [
    ["dies", `127.0.0.1:${mortal.port}`],
    ...simulators.map(({ endpoint }, index): [string, string] => [others[index] ?? "", endpoint]),
  ];
  await Promise.all(
    endpoints.map(([id, grpc_endpoint]) => succeed("PUT", `/processors/${id}`, { grpc_endpoint })),
  );
  const pool = new ConsolePool(browser, gateway.url);
  const viewOf = async (id: string) => (await request("GET", `/processors/${id}`)).json;
  const untilProcessor: TheConsole["untilProcessor"] = (id, what, condition) =>
    until(`${id} ${what}`, async () => condition(await viewOf(id)), 60_000);
  await Promise.all(
    endpoints.map(([id]) => untilProcessor(id, "can be used", ({ healthy }) => healthy === true)),
  );
  return {
    ...{ system, mortal, browser, key, url: gateway.url, untilProcessor },
    open: () => pool.open(key),
    openWith: (other) => pool.open(other),
    openAlone: (options = {}) => openConsole(browser, gateway.url, { key, ...options }),
    messageOf: async (path) => (await request("GET", path)).json.message,
    lettersOf: async (id) =>
      (await request("GET", `/processors/${id}/dead-letters`)).json.dead_letters as { sequence: number }[],
    async stop() {
      await browser.close();
      await system.stop();
      await mortal.stop();
      for (const simulator of simulators) await simulator.stop();
    },
  };
}
