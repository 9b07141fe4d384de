import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";
import { openBrowser, openConsole, skip, untilProcessor } from "./browser.ts";

describe("the console drives processors", { skip }, () => {
  let system: System;
  let browser: Browser;
  before(async () => {
    [system, browser] = await Promise.all([
      startSystem({ processors: [{ id: "p1" }, { id: "p2" }] }),
      openBrowser(),
    ]);
  });
  after(async () => {
    await browser?.close();
    await system?.stop();
  });

  const open = () => openConsole(browser, system.gateway.url);
  const messageOf = async (path: string) => (await system.request("GET", path)).json.message;
  const lettersOf = async (id: string) =>
    (await system.request("GET", `/processors/${id}/dead-letters`)).json.dead_letters as {
      sequence: number;
    }[];
  /** Fails without anybody waiting for it. */
  const failAsync = async (id: string, count: number) => {
    for (let index = 0; index < count; index++) {
      await system.request("DELETE", `/${id}/model/none`, undefined, { prefer: "respond-async" });
    }
    await until("they have failed", async () => (await lettersOf(id)).length === count);
  };

  test("somebody teaches a processor and sees its prediction", async () => {
    await using console = await open();
    const { page, errors } = console;
    await console.show("#/", "Fleet");
    await page.getByRole("link", { name: "p1", exact: true }).click();
    await page.getByRole("link", { name: "Try it" }).click();
    const observe = async (text: string) => {
      await page.getByLabel("Symbols of one event").fill(text);
      await page.getByRole("button", { name: "Observe", exact: true }).click();
      await page.getByText("Observed.").waitFor();
      await page
        .getByLabel("Events of working memory")
        .getByText(text.split(",")[0] ?? "", { exact: true })
        .waitFor();
    };
    for (const text of ["sun", "rain, wind", "frost"]) await observe(text);
    await page.getByRole("button", { name: "Learn" }).click();
    await page.getByText(/Learned MODEL\|[0-9a-f]{8}…\./).waitFor();
    await observe("rain, hail");

    const words = page.getByText(
      "Past: sun. Present: rain and wind. Missing: wind. Extra: hail. Future: frost.",
    );
    await words.waitFor({ state: "attached" });
    for (const [part, symbol] of [
      ["past", "sun"],
      ["matched", "rain"],
      ["missing", "wind"],
      ["future", "frost"],
      ["extra", "hail"],
    ]) {
      await page.locator(`.prediction .symbol-${part}`, { hasText: symbol ?? "" }).waitFor();
    }
    await page.getByLabel("Sort by").selectOption("confidence");
    await page.getByText("Which part of the model's present was observed").first().waitFor();
    assert.match(page.url(), /sort=confidence/);
    const [prediction] = (await messageOf("/p1/predictions")) as { missing: string[] }[];
    assert.deepEqual(prediction?.missing, ["wind"]);

    await page.getByLabel("Symbols of one event").fill("");
    await page.getByText("Vectors and emotives").click();
    await page.getByLabel("Emotives").fill("joy=high");
    await page.getByRole("button", { name: "Observe", exact: true }).click();
    await page.getByText("An emotive is a name and a number: joy=0.5").waitFor();
    await page.getByRole("button", { name: "Clear all memory…" }).click();
    const clear = page.getByRole("dialog").getByRole("button", { name: "Clear all memory" });
    assert.equal(await clear.isDisabled(), true);
    await page.getByLabel("Write p1 to go on").fill("p1");
    await clear.click();
    await page.getByText("Everything it has learned is cleared.").waitFor();
    assert.deepEqual(await messageOf("/p1/predictions"), []);
    assert.deepEqual(errors, []);
  });

  test("a processor is paused, resumed and rebuilt, and the state that is shown is the gateway's", async () => {
    for (const text of ["a", "b", "c"]) await system.request("POST", "/p2/observe", { strings: [text] });
    await using console = await open();
    const { page, errors } = console;
    await console.show("#/processors/p2", "p2");
    const badge = page.locator(".title .state");
    await page.getByRole("button", { name: "Pause" }).click();
    await badge.filter({ hasText: "paused" }).waitFor();
    await untilProcessor(system.gateway.url, "p2", "is paused", ({ state }) => state === "paused");
    await system.request("POST", "/p2/observe", { strings: ["d"] }, { prefer: "respond-async" });
    await page.getByText("Paused, and 1 wait.").waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await badge.filter({ hasText: "ready" }).waitFor();
    assert.deepEqual(await messageOf("/p2/working-memory"), [["a"], ["b"], ["c"], ["d"]]);

    await page.getByRole("button", { name: "Rebuild…" }).click();
    await page.getByRole("button", { name: "Show what would be replayed" }).click();
    await page
      .getByText("Sequences 1 to 4 would be replayed: 4 commands, of which 4 observe and 0 learn.")
      .waitFor();
    await page.getByRole("button", { name: "Rebuild", exact: true }).click();
    await page.getByText("given its working memory once more: 4 observations.").waitFor();

    await page.getByRole("button", { name: "Rebuild…" }).click();
    await page.getByLabel(/^Everything/).check();
    await page.getByLabel("From sequence").fill("3");
    await page.getByRole("button", { name: "Show what would be replayed" }).click();
    await page.getByLabel("Write p2 to go on").fill("p2");
    await page.getByRole("button", { name: "Clear and replay" }).click();
    await page.getByText("the log is being applied again").waitFor();
    await until(
      "it is replayed",
      async () => JSON.stringify(await messageOf("/p2/working-memory")) === '[["c"],["d"]]',
    );

    await page.getByLabel("recall_threshold").fill("0.4");
    await page.getByRole("button", { name: "Change" }).click();
    await page.getByText("Changed.").waitFor();
    assert.equal(Math.round(Number(await messageOf("/p2/gene/recall_threshold")) * 10), 4);
    assert.deepEqual(errors, []);
  });

  test("dead letters are resent, discarded, and edited and sent as new commands", async () => {
    await failAsync("p1", 3);
    const [first, second] = (await lettersOf("p1")).map(({ sequence }) => sequence);
    await using console = await open();
    const { page, errors } = console;
    await console.show("#/processors/p1/dead-letters", "p1");
    await page.getByText("Unable to find and delete model").first().waitFor();
    await page.getByLabel(`Choose ${first}`, { exact: true }).check();
    await page.getByRole("button", { name: "Resend 1 chosen" }).click();
    await page.getByText("Sent again: 1.").waitFor();
    await until("it has failed again", async () => {
      const sequences = (await lettersOf("p1")).map(({ sequence }) => sequence);
      return sequences.length === 3 && !sequences.includes(first ?? 0);
    });

    for (const text of ["x", "y"]) await system.request("POST", "/p1/observe", { strings: [text] });
    const { json } = await system.request("POST", "/p1/learn");
    await page.getByRole("link", { name: String(second), exact: true }).click();
    await page.getByRole("button", { name: "Edit and send as a new command" }).click();
    await page.getByLabel("What is asked for").fill(JSON.stringify({ name: json.message }));
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText(`What was sent instead of ${second} was applied.`).waitFor();
    assert.equal(
      (await system.request("GET", `/p1/model/${encodeURIComponent(String(json.message))}`)).status,
      404,
    );
    assert.equal((await lettersOf("p1")).length, 2);

    await page.getByRole("button", { name: "Discard all…" }).click();
    await page.getByLabel("Write p1 to go on").fill("p1");
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await page.getByText("Discarded: 2.").waitFor();
    assert.deepEqual(await lettersOf("p1"), []);
    assert.deepEqual(errors, []);
  });

  test("the log is filtered by the gateway, followed, and each entry has a link", async () => {
    await using console = await open();
    const { page, errors } = console;
    await console.show("#/processors/p1/log?method=Learn", "p1");
    const rows = page.locator("tbody tr");
    await rows.first().waitFor();
    assert.deepEqual(new Set(await rows.locator("td:nth-child(2)").allTextContents()), new Set(["Learn"]));
    await page.getByRole("button", { name: "Follow the end" }).click();
    const { headers } = await system.request("POST", "/p1/learn");
    const sequence = String(headers["kato-sequence"]);
    await page.getByRole("link", { name: sequence, exact: true }).click();
    await page.getByRole("heading", { name: `Command ${sequence}` }).waitFor();
    await page.getByRole("button", { name: "Stop following" }).click();
    assert.match(page.url(), new RegExp(`method=Learn&entry=${sequence}$`));

    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export as NDJSON" }).click();
    assert.equal((await download).suggestedFilename(), "p1-log.ndjson");
    await page.getByText(/^Exported \d+ commands\.$/).waitFor();
    assert.deepEqual(errors, []);
  });

  test("a processor that dies is shown with what to do, and a gateway that goes away is found again", async () => {
    await using console = await open();
    const { page, errors } = console;
    await console.show("#/", "Fleet");
    const row = page.getByRole("row", { name: /p2/ });
    await system.simulators[1]?.kill();
    await row.getByText("Start the instance at").waitFor();
    await row.getByText("down").waitFor();
    await system.simulators[1]?.restart();
    await row.getByText("ready").waitFor();

    await system.gateway.stop();
    await page.getByText("The gateway does not answer. Looking for it…").waitFor();
    await system.gateway.restart();
    await page.getByText("Looking for it").waitFor({ state: "detached" });
    await row.getByText("ready").waitFor();
    assert.deepEqual(errors, []);
  });
});
