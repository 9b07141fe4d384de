import { describe } from "node:test";
import { groups } from "../../scripts/test-groups.ts";

/** Runs the test files of a group one after the other in this process. Each is a suite: its hooks are its own. */
export function runTogether(group: keyof typeof groups): void {
  for (const file of groups[group]) describe(file, () => import(`../${file}`));
}
