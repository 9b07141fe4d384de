import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { sendTo } from "../../fixtures/http-client.ts";

/** The Chromium of this machine; undefined where there is none. */
const path = (process.env.PATH ?? "")
  .split(delimiter)
  .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)))
  .find((file) => existsSync(file));

/** Why tests with a browser are skipped; false where they are not. */
export const skip = path === undefined && "there is no chromium on the PATH";

/** In a container nobody may make the namespaces that its sandbox needs. Only our own page is opened. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: path ?? "", args: ["--no-sandbox"] });

/** A page of the console, and what went wrong in it. */
export interface Console extends AsyncDisposable {
  page: Page;
  /** Errors of its scripts, and what its Content-Security-Policy has stopped. */
  errors: string[];
  /** Goes to a view and waits until it is there. */
  show(hash: string, heading: string): Promise<void>;
}

export interface ConsoleOptions
  extends Pick<BrowserContextOptions, "viewport" | "colorScheme" | "bypassCSP"> {
  /** A key to log in with. */
  key?: string;
}

/** Opens the console of a gateway, logged in if there is a key. */
export async function openConsole(
  browser: Browser,
  url: string,
  options: ConsoleOptions = {},
): Promise<Console> {
  const { key, ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1_400, height: 900 }, ...rest });
  if (key !== undefined) {
    const { headers } = await sendTo(url)("POST", "/session", { key });
    const [, value = ""] = /kato_session=([^;]+)/.exec(String(headers["set-cookie"])) ?? [];
    await context.addCookies([{ name: "kato_session", value, url, httpOnly: true, sameSite: "Strict" }]);
  }
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (message) => {
    // A request that is refused is no fault of the page.
    const isRefused = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isRefused) errors.push(message.text());
  });
  return {
    page,
    errors,
    async show(hash, heading) {
      await page.goto(`${url}/console${hash}`);
      await page.getByRole("heading", { name: heading, exact: true }).first().waitFor();
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}

interface Violations {
  violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[];
}

const axe = createRequire(import.meta.url)("axe-core") as { source: string };

/** What axe finds wrong in what is seen, by these rules or by all. The page has to be opened with `bypassCSP`. */
export async function violationsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe.source);
  const runOnly = rules === undefined ? {} : { runOnly: { type: "rule", values: rules } };
  const options = { ...runOnly, resultTypes: ["violations"], preload: false };
  const { violations } = (await page.evaluate(`axe.run(${JSON.stringify(options)})`)) as Violations;
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ""}`),
  );
}
