import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The integration tests, and those of the whole system, that can notice a change below a folder. */
const testsByFolder: Record<string, [integration: string[], whole: string[]]> = {
  "services/worker/": [
    ["integration/worker/*"],
    [
      "end-to-end/{commands,recovery}/*",
      "end-to-end/api/{auto-learn,genes,models-and-vectors}",
      "end-to-end/fleet/operating",
      "end-to-end/running/{start-and-stop,metrics,tls}",
      "chaos/{random-history,failover,rebuild,torn-learn,rolling-restart,idempotency}",
    ],
  ],
  "libs/commands/": [
    ["integration/libs/*", "integration/worker/log-*"],
    [
      "end-to-end/{commands,bulk}/*",
      "end-to-end/recovery/{nats,worker}-trouble",
      "chaos/{random-history,failover,rolling-restart,idempotency,nats-cluster}",
    ],
  ],
  "services/gateway/": [
    ["integration/gateway/*"],
    [
      "end-to-end/{access,commands,bulk}/*",
      "end-to-end/api/{limits,processor,observe}",
      "end-to-end/recovery/{nats,worker,instance}-trouble",
      "end-to-end/running/tls",
      "chaos/{failover,idempotency}",
    ],
  ],
  "libs/kato/": [["integration/kato/*"], ["end-to-end/running/tls"]],
  "libs/nats/": [
    ["integration/libs/{nats-login,cheap-updates}", "integration/worker/leases"],
    ["end-to-end/running/tls"],
  ],
  "libs/config/": [["integration/libs/nats-login", "integration/kato/tls"], ["end-to-end/running/tls"]],
};

/** Unit tests that take long enough to belong to the second stage. */
const slowUnitTests = ["test/unit/worker/recovery-rules.test.ts"];

/** The test files of a stage, counted from 1, that can notice a change of this file. */
export function testsOf(file: string, stage: number, root: string): string[] {
  const slow = slowUnitTests.filter((test) => reaches(test, file, root));
  if (stage === 1) {
    const unitTests = globSync("test/unit/**/*.test.ts", { cwd: root, exclude: slowUnitTests });
    return unitTests.filter((test) => reaches(test, file, root));
  }
  const folder = Object.keys(testsByFolder).find((prefix) => file.startsWith(prefix)) ?? "";
  const patterns = testsByFolder[folder]?.[stage - 2];
  if (!patterns) throw new Error(`it is not known which tests are about ${file}`);
  const names = patterns.map((pattern) => `test/${pattern}.test.ts`);
  return [...globSync(names, { cwd: root }), ...(stage === 2 ? slow : [])];
}

/** Whether a test runs code of this file, as it stands in what the test imports or starts a thread with. */
function reaches(test: string, file: string, root: string): boolean {
  const seen = new Set([test]);
  for (const path of seen) {
    if (path === file) return true;
    // A test that writes modules of its own has their names in its text.
    if (!existsSync(join(root, path))) continue;
    const source = readFileSync(join(root, path), "utf8").replace(/^import type [^;]*;/gm, "");
    const imported = source.matchAll(/(?:from |new URL\()"(\.[^"]+\.ts)"/g);
    for (const [, specifier = ""] of imported) seen.add(join(dirname(path), specifier));
  }
  return false;
}
