import assert from "node:assert/strict";
import { test } from "node:test";
import type { TheConsole } from "./the-console.ts";

/** Two processors side by side. */
export function comparing(the: () => TheConsole): void {
  test("two processors are told the same, and what differs between them is shown", async () => {
    const { system, messageOf } = the();
    const { succeed } = system;
    for (const text of ["sun", "rain", "frost"]) await succeed("POST", "/left/observe", { strings: [text] });
    await succeed("POST", "/left/learn");
    await succeed("POST", "/right/genes/change", { recall_threshold: 0.5 });
    await using console = await the().open();
    const { page, errors } = console;
    await console.show("#/compare", "Compare");
    await page.getByRole("combobox").first().selectOption("left");
    await page.getByRole("combobox").nth(1).selectOption("right");
    assert.match(page.url(), /left=left&right=right$/);
    await page.getByText("Working memory is the same. Neither predicts anything.").waitFor();
    await page.getByRole("row", { name: "recall_threshold 0.1 0.5" }).waitFor();

    await page.getByLabel("Symbols of one event").fill("rain");
    await page.getByRole("button", { name: "Observe", exact: true }).click();
    await page.getByText("Observed.").waitFor();
    await page.getByText("1 of 1 predictions differ. Other genes: recall_threshold.").waitFor();
    await page.getByText("Does not predict it.").waitFor();
    await page.locator(".symbol-future", { hasText: "frost" }).waitFor();
    for (const id of ["left", "right"]) {
      assert.deepEqual(await messageOf(`/${id}/working-memory`), [["rain"]], id);
    }
    await succeed("POST", "/right/observe", { strings: ["hail"] });
    await page.getByText("Working memory differs in 1 event.").waitFor();
    await page
      .getByLabel("Events of working memory of right")
      .getByText("differs:")
      .waitFor({ state: "attached" });
    assert.deepEqual(errors, []);
  });
}
