import assert from "node:assert/strict";
import { test } from "node:test";
import type { CDPSession, Page } from "playwright-core";
import type { TheConsole } from "./the-console.ts";

/** Makes the page believe that it is hidden, or seen again. */
const setHidden = (page: Page, isHidden: boolean) =>
  page.evaluate(`
    Object.defineProperty(document, "hidden", { configurable: true, value: ${isHidden} });
    document.dispatchEvent(new Event("visibilitychange"));
  `);

/** The bytes that are in use after what nobody uses is thrown away. */
async function heapBytes(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}

/** How the page lives in its browser: hidden, by keyboard, for long, and with a screen that fails. */
export function living(the: () => TheConsole): void {
  test("a hidden page asks for nothing, and at once when it is seen again", async () => {
    await using console = await the().openAlone();
    const { page } = console;
    await page.clock.install();
    await console.show("#/", "Fleet");
    const row = page.getByRole("row", { name: /p1/ });
    await row.waitFor();
    let asked = 0;
    page.on("request", () => asked++);
    await page.clock.runFor(2_100);
    assert.ok(asked > 0);
    await setHidden(page, true);
    asked = 0;
    await page.clock.runFor(60_000);
    assert.equal(asked, 0);
    const again = page.waitForRequest(/\/processors$/);
    await setHidden(page, false);
    await again;
  });

  test("a screen that fails says so, has a way back, and leaves the rest of the page as it is", async () => {
    await using console = await the().open();
    const { page } = console;
    await page.route("**/p1/predictions", (route) => route.fulfill({ json: { message: [null] } }));
    await console.show("#/processors/p1/try", "This screen has failed");
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByText("recall_threshold").waitFor();
    await page.getByRole("link", { name: "Try it" }).click();
    await page.getByRole("heading", { name: "This screen has failed" }).waitFor();
    await page.unroute("**/p1/predictions");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("What the figures mean").waitFor();
  });

  test("a processor is found, opened, paused and tried by keyboard alone", async () => {
    await using console = await the().open();
    const { page, errors } = console;
    await console.show("#/", "Fleet");
    await page.getByRole("row", { name: /keyboard/ }).waitFor();
    /** Goes on with Tab until this has the focus. */
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press("Tab");
        const focused = await page.evaluate(
          "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()",
        );
        if (String(focused).startsWith(name)) return;
      }
      assert.fail(`${name} is not reached by Tab`);
    };
    await tabTo("Search");
    await page.keyboard.type("keyb");
    await tabTo("keyboard");
    await page.keyboard.press("Enter");
    await tabTo("Pause");
    await page.keyboard.press("Enter");
    await the().untilProcessor("keyboard", "is paused", ({ state }) => state === "paused");
    await page.getByRole("button", { name: "Resume" }).waitFor();
    await tabTo("Resume");
    await page.keyboard.press("Enter");
    await the().untilProcessor("keyboard", "goes on", ({ state }) => state === "ready");
    await tabTo("Try it");
    await page.keyboard.press("Enter");
    await tabTo("Symbols");
    await page.keyboard.type("by keyboard");
    await page.keyboard.press("Enter");
    await page.getByText("Observed.").waitFor();
    assert.deepEqual(await the().messageOf("/keyboard/working-memory"), [["by keyboard"]]);
    assert.deepEqual(errors, []);
  });

  test("a page that stays open takes no more memory with each poll", async () => {
    await using console = await the().openAlone();
    const { page, errors } = console;
    const processors = Array.from({ length: 10 }, (_, index) => ({
      ...{ id: `p${index}`, name: `Number ${index}`, endpoint: "kato:1441", grpc_tls: false, source: "rest" },
      ...{ paused: false, healthy: true, state: "ready", depth: 1, applied: 5, oldest_seconds: 1, rate: 1 },
    }));
    await page.clock.install();
    // The answer is made in the page: then only the page's own memory is measured.
    await page.addInitScript(`
      const answer = ${JSON.stringify({ processors, unregistered: [] })};
      const own = globalThis.fetch;
      globalThis.polls = 0;
      globalThis.fetch = async (path, options) => {
        if (path !== "processors") return own(path, options);
        polls++;
        return new Response(JSON.stringify({ ...answer, processors: answer.processors.map((each) => ({ ...each, rate: polls % 9 })) }));
      };
    `);
    await console.show("#/", "Fleet");
    await page.getByText("Number 1", { exact: true }).waitFor();
    const session = await page.context().newCDPSession(page);
    const pollTimes = async (times: number) => {
      const before = Number(await page.evaluate("polls"));
      while (Number(await page.evaluate("polls")) < before + times) await page.clock.runFor(20_500);
    };
    // What is kept for lines of the last minutes is complete after 150.
    await pollTimes(155);
    const early = await heapBytes(session);
    await pollTimes(150);
    const growth = (await heapBytes(session)) - early;
    assert.ok(growth < 300_000, `it has grown by ${growth} bytes in 150 polls`);
    assert.deepEqual(errors, []);
  });
}
