import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openBrowser, openConsole } from "../test/fixtures/browser.ts";
import type { Send } from "../test/fixtures/http-client.ts";
import { startSystem } from "../test/fixtures/system.ts";

// Pictures of the console's screens, of a system with something in it: `npm run screenshots` makes those that the
// documents show, and `npm run screenshots -- FOLDER` every screen, light and dark, wide and narrow.

const [folder] = process.argv.slice(2);
const documents = join(import.meta.dirname, "../docs/console");

/** Each screen with its address, and what is seen once it is complete. */
const screens: [name: string, hash: string, seen: string][] = [
  ["fleet", "#/", "Start the instance"],
  ["overview", "#/processors/weather", "recall_threshold"],
  ["try-it", "#/processors/weather/try", "What the figures mean"],
  ["upload", "#/processors/weather/upload", "Drop a file here"],
  ["log", "#/processors/weather/log", "Learn"],
  ["dead-letters", "#/processors/weather/dead-letters?letter=11", '"name"'],
  ["compare", "#/compare?left=weather&right=harbour", "differs"],
  ["keys", "#/keys", "Make a key"],
  ["audit", "#/audit", "processor.registered"],
];
const inDocuments = ["fleet", "try-it"];

await using stack = new AsyncDisposableStack();
const ids = ["weather", "harbour", "kitchen", "tides"];
const system = stack.use(await startSystem({ processors: ids.map((id) => ({ id })) }));
const browser = await openBrowser();
stack.defer(() => browser.close());
await fill(system.request);
await system.simulators[3]?.kill();

const looks = folder
  ? ([1_400, 360] as const).flatMap((width) =>
      (["light", "dark"] as const).map((colorScheme) => ({ width, colorScheme })),
    )
  : [{ width: 1_100, colorScheme: "light" as const }];
mkdirSync(folder ?? documents, { recursive: true });
for (const { width, colorScheme } of looks) {
  const viewport = { width, height: folder ? 800 : 560 };
  await using console = await openConsole(browser, system.gateway.url, { viewport, colorScheme });
  const { page } = console;
  for (const [name, hash, seen] of screens) {
    if (!folder && !inDocuments.includes(name)) continue;
    await page.goto(`${system.gateway.url}/console${hash}`);
    await page.getByText(seen).first().waitFor({ state: "attached" });
    const path = folder
      ? join(folder, `${name}-${width}-${colorScheme}.png`)
      : join(documents, `${name}.png`);
    await page.screenshot({ path, fullPage: folder !== undefined });
  }
}

/** Gives the processors something to show. */
async function fill(request: Send): Promise<void> {
  const observe = async (id: string, events: string[][]) => {
    for (const strings of events) await request("POST", `/${id}/observe`, { strings });
  };
  for (const id of ["weather", "harbour"]) {
    await observe(id, [["sun"], ["clouds"], ["rain", "wind"], ["sun"]]);
    await request("POST", `/${id}/learn`);
  }
  await observe("weather", [["clouds"], ["rain", "cold"], ["snow"]]);
  await request("POST", "/weather/learn");
  await request("POST", "/harbour/genes/change", { recall_threshold: 0.3 });
  for (const name of ["MODEL|old", "MODEL|older"]) {
    const path = `/weather/model/${encodeURIComponent(name)}`;
    await request("DELETE", path, undefined, { prefer: "respond-async" });
  }
  for (const id of ["weather", "harbour"]) await observe(id, [["clouds"], ["rain", "hail"]]);
  await request("POST", "/processors/kitchen/pause");
  await observeLater(request, "kitchen", 3);
  const grants = { processors: ["weather"], scope: "write" } as const;
  await request("POST", "/keys", { name: "ingest", grants });
  const { endpoint } = (await request("GET", "/processors/tides")).json;
  await request("PUT", "/processors/tides", { name: "Tides at the pier", grpc_endpoint: endpoint });
}

async function observeLater(request: Send, id: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await request("POST", `/${id}/observe`, { strings: [`event ${index}`] }, { prefer: "respond-async" });
  }
}
