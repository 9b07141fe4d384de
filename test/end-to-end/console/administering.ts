import assert from "node:assert/strict";
import { test } from "node:test";
import { bearer } from "../../fixtures/access.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { until } from "../../fixtures/until.ts";
import type { TheConsole } from "./the-console.ts";

/** Keys and the audit trail. */
export function administering(the: () => TheConsole): void {
  const untilAnswered = (key: string, status: number) =>
    until(`it is a ${status}`, async () => {
      const answer = await sendTo(the().url)("GET", "/session", undefined, bearer(key));
      return answer.status === status && answer.json;
    });

  test("a key is made, shown once, rotated and revoked, and the audit trail tells it", async () => {
    await using console = await the().open();
    const { page, errors } = console;
    await console.show("#/keys", "Keys");
    await page.getByRole("button", { name: "Make a key…" }).click();
    await page.getByLabel("Name").fill("made by clicking");
    await page.getByRole("radio", { name: /^write/ }).check();
    await page.getByRole("textbox", { name: "Processors" }).fill("p1, le*");
    await page.getByRole("button", { name: "Make the key" }).click();
    const secret = page.getByLabel("The key of made by clicking.");
    const first = await secret.inputValue();
    assert.deepEqual((await untilAnswered(first, 200)).grants, { processors: ["p1", "le*"], scope: "write" });
    await page.getByRole("button", { name: "I have kept it" }).click();
    await secret.waitFor({ state: "detached" });
    assert.ok(!(await page.content()).includes(first), "nobody can read it any more");

    await page.getByRole("button", { name: "Rotate made by clicking" }).click();
    await page.getByRole("button", { name: "Rotate", exact: true }).click();
    const second = await secret.inputValue();
    assert.notEqual(second, first);
    for (const key of [first, second]) await untilAnswered(key, 200);

    await page.getByRole("button", { name: "Revoke made by clicking" }).click();
    await page.getByLabel("Write made by clicking to go on").fill("made by clicking");
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("The key made by clicking is revoked.").waitFor();
    for (const key of [first, second]) await untilAnswered(key, 401);

    await page.getByRole("link", { name: "Audit" }).click();
    await page.getByLabel("Which entries").getByRole("combobox").selectOption("key.rotated");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    const rows = page.getByLabel("Audit trail").locator("tbody tr");
    await rows.filter({ hasText: "key.rotated" }).first().waitFor();
    await until("only these are shown", async () => (await rows.count()) === 1);
    assert.match(page.url(), /action=key\.rotated/);
    assert.deepEqual(errors, []);
  });

  test("who may not see keys and the audit trail is not shown them", async () => {
    const grants = { processors: ["*"], scope: "operate" };
    const { json } = await the().system.request("POST", "/keys", { name: "operator", grants });
    await using console = await the().openWith(String(json.key));
    const { page } = console;
    for (const hash of ["#/keys", "#/audit"]) {
      await console.show(hash, "There is nothing here");
      assert.equal(await page.getByRole("link", { name: /^(Keys|Audit)$/ }).count(), 0);
    }
  });
}
