import type { Figure } from "../rounds.ts";
import { preparePeers } from "./install.ts";
import type { Measured } from "./measure.ts";
import { bulkFigures, figuresOf, latencyFigures, restingFigures, throughputFigures } from "./measure.ts";
import type { PeerSides } from "./peer-sides.ts";
import { startPeerSides } from "./peer-sides.ts";

// What others cost that do the same: prints JSON lines as `npm run bench` does, each against the plain proxy of the
// same run (docs/performance.md).

/** Without a sync to the disk before the answer, and with it. */
const durabilities = [
  { isSynced: false, suffix: "" },
  { isSynced: true, suffix: "_always" },
];
const starts = 3;
const limitMs = 900_000;

preparePeers();
// Whatever was started ends with this process.
const limit = setTimeout(() => {
  console.error(`not finished after ${limitMs / 1_000} s`);
  process.exit(1);
}, limitMs);
for (const { isSynced, suffix } of durabilities) {
  const startTimes: Map<string, number | undefined>[] = [];
  for (let start = 1; start <= starts; start++) {
    await using stack = new AsyncDisposableStack();
    const sides = await startPeerSides(stack, isSynced);
    startTimes.push(new Map([...sides.others, sides.proxy].map(({ name, startMs }) => [name, startMs])));
    if (start < starts) continue;
    print(startFigures(sides, startTimes, suffix));
    print(await latencyFigures(sides, suffix));
    print(await throughputFigures(sides, suffix));
    print(await bulkFigures(sides, suffix));
    print(await restingFigures(sides, suffix));
  }
}
clearTimeout(limit);

/** Of all starts: the time of each side, by its name. */
function startFigures(sides: PeerSides, times: Map<string, number | undefined>[], suffix: string): Figure[] {
  const measured: Measured<number> = new Map(
    [...sides.others, sides.proxy].map((side) => [side, times.flatMap((each) => each.get(side.name) ?? [])]),
  );
  return figuresOf(sides, { name: `start${suffix}`, unit: "ms" }, measured, (ms) => ms);
}

function print(figures: Figure[]): void {
  for (const figure of figures) console.log(JSON.stringify(figure));
}
