import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import type { TheConsole } from "./the-console.ts";

const fileOf = (name: string, lines: readonly string[]) => ({
  name,
  mimeType: "application/x-ndjson",
  buffer: Buffer.from(lines.map((line) => `${line}\n`).join("")),
});
const good = ["a", "b", "c"].map((text) => JSON.stringify({ strings: [text] }));
const events = [["a"], ["b"], ["c"]];

/** Drags a file in from outside. */
async function drop(page: Page, { name, buffer }: ReturnType<typeof fileOf>): Promise<void> {
  const transfer = await page.evaluateHandle(`
    const dragged = new DataTransfer();
    dragged.items.add(new File([${JSON.stringify(buffer.toString())}], ${JSON.stringify(name)}));
    dragged;
  `);
  await page.locator(".drop").dispatchEvent("drop", { dataTransfer: transfer });
}

/** Sending files of observations. */
export function uploading(the: () => TheConsole): void {
  test("a file is dragged in, its refused lines are named, and it is followed until it is applied", async () => {
    const { system, messageOf, untilProcessor } = the();
    await system.succeed("POST", "/processors/upload/pause");
    await untilProcessor("upload", "is paused", ({ state }) => state === "paused");
    await using console = await the().open();
    const { page, errors } = console;
    await console.show("#/processors/upload/upload", "upload");
    const [first = "", ...others] = good;
    await drop(page, fileOf("events.ndjson", [first, '{"strings": [1]}', "{", ...others]));
    await page.getByLabel("The first lines").getByText(first).waitFor();
    await page.getByLabel("Learn after the last line").check();
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await page
      .getByText(/^3 observations are stored as commands \d+ to \d+, and a Learn after them\.$/)
      .waitFor();
    await page.getByRole("heading", { name: "2 lines were refused" }).waitFor();
    const refused = page.getByLabel("Refused lines").locator("tbody tr");
    assert.deepEqual(await refused.locator("td:first-child").allTextContents(), ["2", "3"]);
    assert.match((await refused.first().textContent()) ?? "", /strings/);
    const waiting = page.getByText("0 of 3 applied, waiting for their turn.");
    await waiting.first().waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    await waiting.waitFor();
    await page.getByRole("link", { name: "Upload" }).click();
    await system.succeed("POST", "/processors/upload/resume");
    await page.getByText("All of it is applied.").waitFor();
    await system.succeed("POST", "/upload/observe", { strings: ["a"] });
    const [prediction] = (await messageOf("/upload/predictions")) as { future: unknown }[];
    assert.deepEqual(prediction?.future, [["b"], ["c"]]);
    assert.deepEqual(errors, []);
  });

  test("an upload that breaks is sent again, also by a page that was opened since, and stored once", async () => {
    const { messageOf } = the();
    await using console = await the().open();
    const { page } = console;
    await console.show("#/processors/resume/upload", "resume");
    const keys = new Set<string | undefined>();
    page.on("request", (request) => {
      if (request.url().endsWith("/observations")) keys.add(request.headers()["idempotency-key"]);
    });
    const choose = () => page.getByLabel(/Drop a file here/).setInputFiles(fileOf("events.ndjson", good));
    await page.route("**/observations", async (route) => {
      // It is stored, and nobody hears of that.
      await route.fetch();
      await route.abort();
    });
    await choose();
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await page.getByText("The connection broke. It is sent again by itself").waitFor();
    await page.unroute("**/observations");
    await page.reload();
    await choose();
    await page.getByText("Going on stores the lines that are not stored yet").waitFor();
    await page.getByLabel("This is another file: store all of it").uncheck();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText(/^3 observations are stored/).waitFor();
    await page.getByText("All of it is applied.").waitFor();
    assert.equal(keys.size, 1);
    assert.deepEqual(await messageOf("/resume/working-memory"), events);
    assert.equal(await page.evaluate("localStorage.getItem('kato-uploads')"), "[]");
  });

  test("a file that ended at a refused line goes on there once it is corrected", async () => {
    await using console = await the().open();
    const { page, errors } = console;
    await console.show("#/processors/correct/upload", "correct");
    const choose = (lines: readonly string[]) =>
      page.getByLabel(/Drop a file here/).setInputFiles(fileOf("events.ndjson", lines));
    const [first = "", second = "", third = ""] = good;
    await choose([first, second.slice(1), third]);
    await page.getByLabel("Stop at the first line that is refused").check();
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await page.getByText("Correct the line and choose the file again: it goes on there.").waitFor();
    await page.getByRole("button", { name: "Another file" }).click();
    await choose(good);
    await page.getByText("Line 2 of a file of this name was refused.").waitFor();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText(/^3 observations are stored/).waitFor();
    await page.getByText("All of it is applied.").waitFor();
    assert.deepEqual(await the().messageOf("/correct/working-memory"), events);
    assert.deepEqual(errors, []);
  });
}
