import assert from "node:assert/strict";
import { test } from "node:test";
import { withStreams } from "../../fixtures/bulk.ts";
import { until } from "../../fixtures/until.ts";
import type { TheConsole } from "./the-console.ts";

/** What is seen while parts of the system die and come back. Nothing else can be tested meanwhile. */
export function trouble(the: () => TheConsole): void {
  test("a gateway that goes away is said, and found again", async () => {
    await using console = await the().open();
    const { page, errors } = console;
    const { gateway } = the().system;
    await console.show("#/", "Fleet");
    const row = page.getByRole("row", { name: /p1/ });
    await row.getByText("ready").waitFor();
    await gateway.stop();
    await page.getByText("The gateway does not answer. Looking for it…").waitFor();
    await gateway.restart();
    await page.getByText("Looking for it").waitFor({ state: "detached" });
    await row.getByText("ready").waitFor();
    assert.deepEqual(errors, []);
  });

  test("a processor that is held is adopted, up to where its instance has everything", async () => {
    const { system, untilProcessor, messageOf } = the();
    for (const text of ["a", "b"]) await system.succeed("POST", "/held/observe", { strings: [text] });
    await system.worker.stop();
    await withStreams(system.nats.url, (streams) =>
      streams.purge("KV_kato-checkpoints", { filter: "$KV.kato-checkpoints.held" }),
    );
    await system.worker.restart();
    await untilProcessor("held", "is held", ({ state }) => state === "held");
    await system.succeed("POST", "/held/observe", { strings: ["c"] }, { prefer: "respond-async" });
    await using console = await the().open();
    const { page, errors } = console;
    await console.show("#/processors/held", "held");
    await page.getByText("Adopt the instance if it is right").waitFor();
    await page.getByRole("button", { name: "Adopt…" }).click();
    const adopt = page.getByRole("dialog").getByRole("button", { name: "Adopt" });
    await page.getByLabel("Everything up to").fill("2");
    assert.equal(await adopt.isDisabled(), true);
    await page.getByLabel("Write held to go on").fill("held");
    // The dialog stays where the worker is too busy to answer, and what was asked can be asked again.
    const isTold = page.getByText("The instance counts as having everything up to 2.");
    await until("it is adopted", async () => {
      if ((await adopt.isVisible()) && (await adopt.isEnabled()))
        await adopt.click({ timeout: 1_000 }).catch(() => {});
      return isTold.isVisible();
    });
    await untilProcessor("held", "goes on", ({ state, depth }) => state === "ready" && depth === 0);
    assert.deepEqual(await messageOf("/held/working-memory"), [["a"], ["b"], ["c"]]);
    await page.locator(".title .state").filter({ hasText: "ready" }).waitFor();
    assert.deepEqual(errors, []);
  });
}
