import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../fixtures/until.ts";
import type { TheConsole } from "./the-console.ts";

/** What somebody does with processors, by clicking; and then the gateway says that it is done. */
export function driving(the: () => TheConsole): void {
  test("somebody teaches a processor and sees its prediction", async () => {
    await using console = await the().open();
    const { page, errors } = console;
    await console.show("#/", "Fleet");
    await page.getByRole("link", { name: "teach", exact: true }).click();
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
    await page.getByText(/Learned MODEL\|[0-9a-f]{8}…, and working memory is empty now\./).waitFor();
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
    const [prediction] = (await the().messageOf("/teach/predictions")) as { missing: string[] }[];
    assert.deepEqual(prediction?.missing, ["wind"]);

    await page.getByLabel("Symbols of one event").fill("");
    await page.getByText("Vectors and emotives").click();
    await page.getByLabel("Emotives").fill("joy=high");
    await page.getByRole("button", { name: "Observe", exact: true }).click();
    await page.getByText("An emotive is a name and a number: joy=0.5").waitFor();
    await page.getByRole("button", { name: "Clear all memory…" }).click();
    const clear = page.getByRole("dialog").getByRole("button", { name: "Clear all memory" });
    assert.equal(await clear.isDisabled(), true);
    await page.getByLabel("Write teach to go on").fill("teach");
    await clear.click();
    await page.getByText("Everything it has learned is cleared.").waitFor();
    assert.deepEqual(await the().messageOf("/teach/predictions"), []);
    assert.deepEqual(errors, []);
  });

  test("a processor is paused, resumed and rebuilt, and the state that is shown is the gateway's", async () => {
    for (const text of ["a", "b", "c"])
      await the().system.succeed("POST", "/operate/observe", { strings: [text] });
    await using console = await the().open();
    const { page, errors } = console;
    await console.show("#/processors/operate", "operate");
    const badge = page.locator(".title .state");
    await page.getByRole("button", { name: "Pause" }).click();
    await badge.filter({ hasText: "paused" }).waitFor();
    await the().untilProcessor("operate", "is paused", ({ state }) => state === "paused");
    await the().system.succeed("POST", "/operate/observe", { strings: ["d"] }, { prefer: "respond-async" });
    await page.getByText("Paused, and 1 wait.").waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await badge.filter({ hasText: "ready" }).waitFor();
    assert.deepEqual(await the().messageOf("/operate/working-memory"), [["a"], ["b"], ["c"], ["d"]]);

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
    await page.getByLabel("Write operate to go on").fill("operate");
    await page.getByRole("button", { name: "Clear and replay" }).click();
    await page.getByText("the log is being applied again").waitFor();
    await until(
      "it is replayed",
      async () => JSON.stringify(await the().messageOf("/operate/working-memory")) === '[["c"],["d"]]',
    );

    await page.getByLabel("recall_threshold").fill("0.4");
    await page.getByRole("button", { name: "Change" }).click();
    await page.getByText("Changed.").waitFor();
    assert.equal(Math.round(Number(await the().messageOf("/operate/gene/recall_threshold")) * 10), 4);
    assert.deepEqual(errors, []);
  });

  test("dead letters are resent, discarded, and edited and sent as new commands", async () => {
    await failThree();
    const [first, second] = (await the().lettersOf("letters")).map(({ sequence }) => sequence);
    await using console = await the().open();
    const { page, errors } = console;
    await console.show("#/processors/letters/dead-letters", "letters");
    await page.getByText("Unable to find and delete model").first().waitFor();
    await page.getByLabel(`Choose ${first}`, { exact: true }).check();
    await page.getByRole("button", { name: "Resend 1 chosen" }).click();
    await page.getByText("Sent again: 1. What fails again comes back to this list.").waitFor();
    await until("it has failed again", async () => {
      const sequences = (await the().lettersOf("letters")).map(({ sequence }) => sequence);
      return sequences.length === 3 && !sequences.includes(first ?? 0);
    });

    for (const text of ["x", "y"])
      await the().system.succeed("POST", "/letters/observe", { strings: [text] });
    const { json } = await the().system.request("POST", "/letters/learn");
    await page.getByRole("link", { name: String(second), exact: true }).click();
    await page.getByRole("button", { name: "Edit and send as a new command" }).click();
    await page.getByLabel("What is asked for").fill(JSON.stringify({ name: json.message }));
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText(`What was sent instead of ${second} was applied.`).waitFor();
    assert.equal(
      (await the().system.request("GET", `/letters/model/${encodeURIComponent(String(json.message))}`))
        .status,
      404,
    );
    assert.equal((await the().lettersOf("letters")).length, 2);

    await page.getByRole("button", { name: "Discard all…" }).click();
    await page.getByLabel("Write letters to go on").fill("letters");
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await page.getByText("Discarded: 2.").waitFor();
    assert.deepEqual(await the().lettersOf("letters"), []);
    assert.deepEqual(errors, []);
  });

  /** Commands that fail without anybody waiting for them. */
  async function failThree(): Promise<void> {
    for (let index = 0; index < 3; index++) {
      await the().system.succeed("DELETE", "/letters/model/none", undefined, { prefer: "respond-async" });
    }
    await until("they have failed", async () => (await the().lettersOf("letters")).length === 3);
  }

  test("the log is filtered by the gateway, followed, and each entry has a link", async () => {
    await using console = await the().open();
    const { page, errors } = console;
    for (const text of ["a", "b"]) await the().system.succeed("POST", "/log/observe", { strings: [text] });
    await the().system.succeed("POST", "/log/learn");
    await console.show("#/processors/log/log?method=Learn", "log");
    const rows = page.locator("tbody tr");
    await rows.first().waitFor();
    assert.deepEqual(new Set(await rows.locator("td:nth-child(2)").allTextContents()), new Set(["Learn"]));
    await page.getByRole("button", { name: "Follow the end" }).click();
    const { headers } = await the().system.request("POST", "/log/learn");
    const sequence = String(headers["kato-sequence"]);
    await page.getByRole("link", { name: sequence, exact: true }).click();
    await page.getByRole("heading", { name: `Command ${sequence}` }).waitFor();
    await page.getByRole("button", { name: "Stop following" }).click();
    assert.match(page.url(), new RegExp(`method=Learn&entry=${sequence}$`));

    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export as NDJSON" }).click();
    assert.equal((await download).suggestedFilename(), "log-log.ndjson");
    await page.getByText(/^Exported \d+ commands\.$/).waitFor();
    assert.deepEqual(errors, []);
  });

  test("a processor that dies while it is watched is shown with what to do", async () => {
    await using console = await the().open();
    const { page, errors } = console;
    const { mortal } = the();
    await console.show("#/", "Fleet");
    const row = page.getByRole("row", { name: /dies/ });
    await mortal.kill();
    await row.getByText("Start the instance at").waitFor();
    await row.getByText("down").waitFor();
    await mortal.restart();
    await row.getByText("ready").waitFor();
    assert.deepEqual(errors, []);
  });
}
