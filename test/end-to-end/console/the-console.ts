import type { Browser } from "playwright-core";
import { startSimulator } from "../../../services/simulator/server.ts";
import type { adminKey } from "../../fixtures/access.ts";
import { bearer } from "../../fixtures/access.ts";
import type { Console, ConsoleOptions } from "../../fixtures/browser.ts";
import { openBrowser, openConsole } from "../../fixtures/browser.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

/** What all tests of the console share: one system, whose gateway asks for keys, and one browser. */
export interface TheConsole {
  system: System;
  browser: Browser;
  /** The key of an administrator. */
  key: string;
  url: string;
  /** Opens the console, with the administrator's key if nothing else is said. */
  open(options?: ConsoleOptions): Promise<Console>;
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

/** Processors beside those whose instance is a process of its own. Each test that changes one has it for itself. */
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
    startSystem({ processors: [{ id: "p1" }, { id: "dies" }], gatewayEnv: env, headers: bearer(key) }),
    openBrowser(),
  ]);
  const simulators = await Promise.all(others.map((id) => startSimulator({ manifest: { id } })));
  const { request, succeed, gateway } = system;
  await Promise.all(
    simulators.map(({ endpoint }, index) =>
      succeed("PUT", `/processors/${others[index]}`, { grpc_endpoint: endpoint }),
    ),
  );
  const viewOf = async (id: string) => (await request("GET", `/processors/${id}`)).json;
  const untilProcessor: TheConsole["untilProcessor"] = (id, what, condition) =>
    until(`${id} ${what}`, async () => condition(await viewOf(id)), 60_000);
  await Promise.all(others.map((id) => untilProcessor(id, "can be used", ({ healthy }) => healthy === true)));
  return {
    ...{ system, browser, key, url: gateway.url, untilProcessor },
    open: (options = {}) => openConsole(browser, gateway.url, { key, ...options }),
    messageOf: async (path) => (await request("GET", path)).json.message,
    lettersOf: async (id) =>
      (await request("GET", `/processors/${id}/dead-letters`)).json.dead_letters as { sequence: number }[],
    async stop() {
      await browser.close();
      await system.stop();
      for (const simulator of simulators) await simulator.stop();
    },
  };
}
