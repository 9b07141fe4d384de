import assert from "node:assert/strict";
import { before, test } from "node:test";
import { violationsOf } from "../../fixtures/browser.ts";
import { until } from "../../fixtures/until.ts";
import type { TheConsole } from "./the-console.ts";

/** What somebody may write wherever text is taken. */
const script = `<img src=x onerror="document.title='taken over'"><script>document.title='taken over'</script>`;

/** Each screen with something on it, what its heading is, and what is seen once it is complete. */
const screens: [hash: string, heading: string, seen: string][] = [
  ["#/", "Fleet", "ready"],
  ["#/processors/p1", "p1", "recall_threshold"],
  ["#/processors/p1/try", "p1", "What the figures mean"],
  ["#/processors/p1/upload", "p1", "Drop a file here"],
  ["#/processors/p1/log?entry=2", "p1", '"strings"'],
  ["#/processors/p1/dead-letters?letter=6", "p1", '"name"'],
  ["#/compare?left=p1&right=other", "Compare", "differ"],
  ["#/keys", "Keys", "Rotate…"],
  ["#/audit", "Audit", "POST /keys"],
];
/** The screens on which the text is that users wrote. */
const withScript = screens.filter(([hash]) => !/audit|upload/.test(hash));

/** All rules are held once. The other looks can break only these. */
const rules = ["color-contrast", "scrollable-region-focusable"];
const looks = [
  { width: 1_400, colorScheme: "light", rules: undefined },
  { width: 360, colorScheme: "dark", rules },
  { width: 1_400, colorScheme: "dark", rules },
  { width: 360, colorScheme: "light", rules },
] as const;

/** What each screen shows, to whom, and in which form. */
export function showing(the: () => TheConsole): void {
  let readerKey: string;
  before(async () => {
    const { succeed } = the().system;
    for (const strings of [["a"], ["b", script], ["c"]]) {
      await succeed("POST", "/p1/observe", { strings, emotives: { [script]: 1 } });
    }
    await succeed("POST", "/p1/learn");
    await succeed("POST", "/p1/observe", { strings: ["b", "other"] });
    const model = encodeURIComponent(script.replaceAll("/", ""));
    await succeed("DELETE", `/p1/model/${model}`, undefined, { prefer: "respond-async" });
    const grants = { processors: ["p1"], scope: "read" };
    readerKey = String((await succeed("POST", "/keys", { name: script, grants })).json.key);
    const endpoint = (await succeed("GET", "/processors/p1")).json.endpoint;
    await succeed("PUT", "/processors/p1", { name: script, grpc_endpoint: endpoint });
    await until("there is a dead letter", async () => (await the().lettersOf("p1")).length === 1);
  });

  const isOfProcessor = ([hash]: (typeof screens)[number]) => hash.startsWith("#/processors");
  for (const [which, some] of [
    ["of a processor", screens.filter(isOfProcessor)],
    ["beside those of a processor", screens.filter((screen) => !isOfProcessor(screen))],
  ] as const)
    test(`no screen ${which} has a violation of accessibility, light or dark, wide or narrow`, async () => {
      await using console = await the().openAlone({ bypassCSP: true });
      const { page, errors } = console;
      for (const [hash, heading, seen] of some) {
        await page.setViewportSize({ width: 1_400, height: 800 });
        await console.show(hash, heading);
        await page.getByText(seen).first().waitFor();
        for (const { width, colorScheme, rules: only } of looks) {
          await page.setViewportSize({ width, height: 800 });
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(await violationsOf(page, only), [], `${hash}, ${width} px, ${colorScheme}`);
          const overhang = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
          assert.ok(Number(overhang) <= 0, `${hash} is ${overhang} px wider than its window`);
        }
      }
      assert.deepEqual(errors, []);
    });

  test("what users wrote is text everywhere", async () => {
    await using console = await the().open();
    const { page, errors } = console;
    for (const [hash, heading, seen] of withScript) {
      await console.show(hash, heading);
      await page.getByText(seen).first().waitFor();
      await page.getByText("<img src=x").first().waitFor({ state: "attached" });
      assert.equal(await page.locator("img, main script").count(), 0, hash);
      assert.doesNotMatch(await page.title(), /taken over/);
    }
    assert.deepEqual(errors, []);
  });

  test("somebody logs in with a key that only reads, and sees nothing that it may not do", async () => {
    await using console = await the().openWith(undefined);
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
    await using console = await the().open();
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
    const last = page.getByRole("link", { name: "p0", exact: true });
    await until("the last row is seen", async () => {
      await page.keyboard.press("End");
      return last.isVisible();
    });
    await page.getByLabel("Search").fill("number 512");
    await page.getByText("1 of 1\u2009000 processors").waitFor();
    await page.getByRole("link", { name: "p512" }).waitFor();
    assert.match(page.url(), /q=number\+512/);
    assert.deepEqual(errors, []);
  });

  test("a command of 4 MB is shortened until more of it is wanted", async () => {
    const strings = Array.from({ length: 39_000 }, (_, index) => `${index}-${"x".repeat(94)}`);
    const { status, headers } = await the().system.request("POST", "/large/observe", { strings });
    assert.equal(status, 200);
    await using console = await the().open();
    const { page, errors } = console;
    await console.show(`#/processors/large/log?entry=${headers["kato-sequence"]}`, "large");
    const payload = page.getByLabel("What it asks for");
    await payload.waitFor();
    assert.ok(((await payload.textContent()) ?? "").length < 3_000);
    await page.getByRole("button", { name: /^Show more of \d\.\d MB/ }).click();
    await page.getByText("1000-xxx").waitFor();
    assert.deepEqual(errors, []);
  });
}
