import { after, before, describe } from "node:test";
import { adminKey } from "../../fixtures/access.ts";
import { skip } from "../../fixtures/browser.ts";
import { administering } from "./administering.ts";
import { comparing } from "./comparing.ts";
import { driving } from "./driving.ts";
import { living } from "./living.ts";
import { showing } from "./screens.ts";
import type { TheConsole } from "./the-console.ts";
import { startTheConsole } from "./the-console.ts";
import { trouble } from "./trouble.ts";
import { uploading } from "./uploading.ts";

// The console in a real browser, with a running system. Each subject has a file of its own, and all share one system
// and one browser. A page mostly waits, so several are open at once.
describe("the console", { skip }, () => {
  const admin = adminKey({ after });
  let shared: TheConsole;
  const the = () => shared;
  before(async () => {
    shared = await startTheConsole(admin);
  });
  after(() => shared?.stop());

  describe("with a system that runs", { concurrency: 4 }, () => {
    for (const tests of [showing, driving, uploading, comparing, administering, living]) tests(the);
  });
  describe("in trouble", () => trouble(the));
});
