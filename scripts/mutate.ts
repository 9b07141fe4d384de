// npm run mutate: makes the changes of test/mutations in a copy of the repository, one at a time, and says
// which of them no test notices. It runs the tests in stages, the near and quick ones first, and stops at the
// first that fails. It fails where fewer than 90 % are noticed. All of it takes hours; with arguments only
// some are made:   npm run mutate -- --file worker/assignment --stages 1-2
import { setPriority } from "node:os";
import { mutations } from "../test/mutations/all.ts";
import type { NumberedMutation } from "./mutate/options.ts";
import { readOptions } from "./mutate/options.ts";
import { objectionTo, SourceCopy } from "./mutate/source-copy.ts";
import { testsOf } from "./mutate/stages.ts";
import { TestRuns } from "./mutate/test-runs.ts";

const leastShare = 0.9;

/** Lets every mutation go through one stage, and returns those that no test of it has noticed. */
async function runStage(
  stage: number,
  alive: readonly NumberedMutation[],
  copies: readonly SourceCopy[],
): Promise<NumberedMutation[]> {
  const survivors: NumberedMutation[] = [];
  const left = alive.values();
  const usualMs = new Map<string, number>();
  const runEach = async (copy: SourceCopy) => {
    const runs = new TestRuns(copy.root, usualMs);
    for (const mutation of left) {
      const files = testsOf(mutation.file, stage, copy.root);
      await runs.prepare(files, stage);
      const begunAt = performance.now();
      const killer = await copy.withMutation(mutation, () => failureOf(stage, files, runs));
      const seconds = Math.round((performance.now() - begunAt) / 1_000);
      const what = killer === undefined ? `stage ${stage}: SURVIVED` : `stage ${stage}: killed by ${killer}`;
      console.log(`${mutation.number}. ${what}, ${seconds} s; ${mutation.file}, ${mutation.breaks}`);
      if (killer === undefined) survivors.push(mutation);
    }
  };
  await Promise.all(copies.map(runEach));
  return survivors.toSorted((a, b) => a.number - b.number);
}

/** What is not a unit test may fail by chance, so there only a second failure counts. */
async function failureOf(stage: number, files: string[], runs: TestRuns): Promise<string | undefined> {
  if (stage === 1) return runs.failureOfAll(files);
  let left = files;
  for (;;) {
    const failed = await runs.firstFailure(left);
    if (failed === undefined) return undefined;
    if (await runs.firstFailure([failed])) return failed;
    left = left.filter((file) => file !== failed);
  }
}

async function mutate(): Promise<boolean> {
  const { chosen, stages } = readOptions(process.argv.slice(2), mutations);
  const objections = mutations.flatMap((mutation) => objectionTo(mutation) ?? []);
  if (objections.length > 0) throw new Error(objections.join("\n"));
  // Two at a time, each in a copy of its own.
  const copies = [new SourceCopy(), new SourceCopy()];
  process.once("exit", () => {
    for (const copy of copies) copy.remove();
  });
  let alive = chosen;
  for (const stage of stages) alive = await runStage(stage, alive, copies);
  const share = 1 - alive.length / chosen.length;
  console.log(`${chosen.length - alive.length} of ${chosen.length} killed, ${(100 * share).toFixed(1)} %`);
  for (const { number, file, breaks, find } of alive)
    console.log(`survived: ${number}. ${file}: ${breaks}\n  ${find}`);
  return share >= leastShare;
}

setPriority(15);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => process.exit(1));
try {
  process.exitCode = (await mutate()) ? 0 : 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
