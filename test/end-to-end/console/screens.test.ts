import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { adminKey, bearer } from "../../fixtures/access.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";
import { openBrowser, openConsole, skip, violationsOf } from "./browser.ts";

/** What somebody may write wherever text is taken. */
const script = `<img src=x onerror="document.title='taken over'"><script>document.title='taken over'</script>`;

describe("the console's screens", { skip }, () => {
  const { key, env } = adminKey({ after });
  let system: System;
  let browser: Browser;
  let readerKey: string;
  const url = () => system.gateway.url;

  before(async () => {
    [system, browser] = await Promise.all([
      startSystem({ processors: [{ id: "p1" }, { id: "p2" }], gatewayEnv: env, headers: bearer(key) }),
      openBrowser(),
    ]);
    for (const strings of [["a"], ["b", script], ["c"]]) {
      await system.request("POST", "/p1/observe", { strings, emotives: { [script]: 1 } });
    }
    await system.request("POST", "/p1/learn");
    await system.request("POST", "/p1/observe", { strings: ["b", "other"] });
    const model = encodeURIComponent(script.replaceAll("/", ""));
    await system.request("DELETE", `/p1/model/${model}`, undefined, { prefer: "respond-async" });
    const grants = { processors: ["p1"], scope: "read" };
    readerKey = String((await system.request("POST", "/keys", { name: script, grants })).json.key);
    const endpoint = (await system.request("GET", "/processors/p1")).json.endpoint;
    await system.request("PUT", "/processors/p1", { name: script, grpc_endpoint: endpoint });
    await until("there is a dead letter", async () => {
      const { dead_letters } = (await system.request("GET", "/processors/p1/dead-letters")).json;
      return (dead_letters as unknown[]).length === 1;
    });
  });
  after(async () => {
    await browser?.close();
    await system?.stop();
  });

  const screens: [hash: string, heading: string, seen: string][] = [
    ["#/", "Fleet", "2 processors"],
    ["#/processors/p1", "p1", "recall_threshold"],
    ["#/processors/p1/try", "p1", "What the figures mean"],
    ["#/processors/p1/log?entry=2", "p1", '"strings"'],
    ["#/processors/p1/dead-letters?letter=6", "p1", '"name"'],
  ];
  const looks = [
    { viewport: { width: 1_400, height: 900 }, colorScheme: "light" },
    { viewport: { width: 360, height: 740 }, colorScheme: "dark" },
  ] as const;

  for (const look of looks) {
    const { colorScheme, viewport } = look;
    test(`no screen has a violation of accessibility, ${colorScheme} and ${viewport.width} px wide`, async () => {
      await using console = await openConsole(browser, url(), { key, ...look, bypassCSP: true });
      const { page } = console;
      for (const [hash, heading, seen] of screens) {
        await console.show(hash, heading);
        await page.getByText(seen).first().waitFor();
        assert.deepEqual(await violationsOf(page), [], hash);
        const overhang = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.ok(Number(overhang) <= 0, `${hash} is ${overhang} px wider than its window`);
      }
    });
  }

  test("what users wrote is text everywhere", async () => {
    await using console = await openConsole(browser, url(), { key });
    const { page, errors } = console;
    for (const [hash, heading, seen] of screens) {
      await console.show(hash, heading);
      await page.getByText(seen).first().waitFor();
      await page.getByText("<img src=x").first().waitFor({ state: "attached" });
      assert.equal(await page.locator("img, main script").count(), 0, hash);
      assert.doesNotMatch(await page.title(), /taken over/);
    }
    assert.deepEqual(errors, []);
  });

  test("somebody logs in with a key that only reads, and sees nothing that it may not do", async () => {
    await using console = await openConsole(browser, url());
    const { page, errors } = console;
    await console.show("#/processors/p1/try", "Log in");
    assert.deepEqual(await page.context().cookies(), []);
    await page.getByLabel("Key").fill("kato_nobody_1");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("This key does not count.").waitFor();
    await page.getByLabel("Key").fill(readerKey);
    await page.keyboard.press("Enter");
    await page.getByText("What the figures mean").waitFor();
    assert.equal(await page.getByRole("button", { name: /Observe|Learn|Clear/ }).count(), 0);
    assert.deepEqual(await page.getByRole("navigation").last().getByRole("link").allTextContents(), [
      "Overview",
      "Try it",
    ]);
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByText("recall_threshold").waitFor();
    assert.deepEqual(await page.getByRole("button").allTextContents(), ["Log out"]);
    await page.getByRole("link", { name: "Fleet" }).click();
    await page.getByText("1 processors").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    assert.deepEqual(errors, []);
  });

  test("a thousand processors are scrolled, sorted and searched with few rows", async () => {
    await using console = await openConsole(browser, url(), { key });
    const { page, errors } = console;
    const processors = Array.from({ length: 1_000 }, (_, index) => ({
      ...{ id: `p${index}`, name: `Number ${index}`, endpoint: "kato:1441", grpc_tls: false, source: "rest" },
      ...{
        paused: false,
        healthy: true,
        state: "ready",
        depth: index,
        applied: 5,
        oldest_seconds: 1,
        rate: index % 7,
      },
    }));
    await page.route("**/processors", (route) => route.fulfill({ json: { processors, unregistered: [] } }));
    await console.show("#/?sort=depth&desc=1", "Fleet");
    await page.getByRole("link", { name: "p999" }).waitFor();
    assert.ok((await page.getByRole("row").count()) < 60);
    await page.getByRole("region", { name: "Processors" }).focus();
    await page.keyboard.press("End");
    await page.getByRole("link", { name: "p0", exact: true }).waitFor();
    await page.getByLabel("Search").fill("number 512");
    await page.getByText("1 of 1\u2009000 processors").waitFor();
    await page.getByRole("link", { name: "p512" }).waitFor();
    assert.match(page.url(), /q=number\+512/);
    assert.deepEqual(errors, []);
  });

  test("a command of 4 MB is shortened until more of it is wanted", async () => {
    const strings = Array.from({ length: 39_000 }, (_, index) => `${index}-${"x".repeat(94)}`);
    const { status, headers } = await system.request("POST", "/p2/observe", { strings });
    assert.equal(status, 200);
    await using console = await openConsole(browser, url(), { key });
    const { page, errors } = console;
    await console.show(`#/processors/p2/log?entry=${headers["kato-sequence"]}`, "p2");
    const payload = page.getByLabel("What it asks for");
    await payload.waitFor();
    assert.ok(((await payload.textContent()) ?? "").length < 3_000);
    await page.getByRole("button", { name: /^Show more of \d\.\d MB/ }).click();
    await page.getByText("1000-xxx").waitFor();
    assert.deepEqual(errors, []);
  });
});
