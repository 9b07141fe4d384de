import { keyCost } from "./access.ts";
import { backupPause } from "./backup.ts";
import { bulkAccept, bulkAcceptAlways, bulkAcceptReplicated } from "./bulk.ts";
import { commandLine } from "./cli.ts";
import { consolePage } from "./console.ts";
import { serialDrain } from "./drain.ts";
import { durability } from "./durability.ts";
import { fleet, largeFleet } from "./fleet.ts";
import { isolation } from "./isolation.ts";
import { natsFailover } from "./nats-failover.ts";
import { failover, queryDuringIngestion, readyAfterRestart } from "./recovery.ts";
import type { Figure } from "./rounds.ts";
import { scrapeLatency } from "./scrape.ts";
import type { Sides } from "./sides.ts";
import { startSides } from "./sides.ts";
import { syncLatency, syncLatencyAlways, syncThroughput } from "./sync.ts";

interface Measurement {
  names: string[];
  measure: (sides: Sides) => Promise<Figure[]>;
  /** Takes minutes, and is measured only where it is named. */
  isLong?: true;
  /** How long it may take, if that is more than a long one may. */
  limitMs?: number;
}

/**
 * What the gateway costs: prints one JSON line for each figure, or for those named as arguments. Each is
 * measured against a baseline in the same run, as its ratio says more than its value, which is the machine's.
 */
const measurements: Measurement[] = [
  { names: ["sync_c1"], measure: syncLatency },
  { names: ["sync_c1_always"], measure: syncLatencyAlways },
  { names: ["sync_c32", "cpu_per_request"], measure: syncThroughput },
  { names: ["key_cost"], measure: keyCost },
  { names: ["serial_drain"], measure: serialDrain },
  { names: ["bulk_accept"], measure: bulkAccept },
  { names: ["bulk_accept_always"], measure: bulkAcceptAlways },
  { names: ["bulk_accept_r3"], measure: bulkAcceptReplicated },
  { names: ["cli_start", "cli_ingest"], measure: commandLine },
  { names: ["ready_after_restart"], measure: readyAfterRestart },
  { names: ["failover"], measure: failover },
  { names: ["query_during_ingestion"], measure: queryDuringIngestion },
  { names: ["scrape_500"], measure: scrapeLatency },
  { names: ["console_first_view", "console_fleet_1000"], measure: consolePage },
  { names: ["backup_pause"], measure: backupPause, isLong: true },
  { names: ["fleet_1000"], measure: fleet, isLong: true },
  { names: ["fleet_5000"], measure: largeFleet, isLong: true, limitMs: 1_500_000 },
  { names: ["isolation"], measure: isolation, isLong: true },
  {
    names: ["durability_r1_always", "durability_r3", "durability_r3_always"],
    measure: durability,
    isLong: true,
  },
  { names: ["nats_failover"], measure: natsFailover, isLong: true },
];
const limitOfAllShortMs = 400_000;
const limitOfOneLongMs = 240_000;

const namesOf = (some: Measurement[]) => some.flatMap(({ names }) => names);
const known = namesOf(measurements);
const wanted =
  process.argv.length > 2 ? process.argv.slice(2) : namesOf(measurements.filter(({ isLong }) => !isLong));
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  const long = namesOf(measurements.filter(({ isLong }) => isLong));
  console.error(
    `no such figure: ${unknown.join(", ")}; there are ${known.join(", ")}; ` +
      `${long.join(" and ")} take minutes and are measured only when they are named`,
  );
  process.exit(2);
}

const isWanted = ({ names }: Measurement) => names.some((name) => wanted.includes(name));
const long = measurements.filter((each) => each.isLong && isWanted(each));
const limitMs = long.reduce((sum, { limitMs = limitOfOneLongMs }) => sum + limitMs, limitOfAllShortMs);
// Whatever was started ends with this process.
const limit = setTimeout(() => {
  console.error(`not finished after ${limitMs / 1_000} s`);
  process.exit(1);
}, limitMs);
{
  await using stack = new AsyncDisposableStack();
  const sides = await startSides(stack);
  for (const { measure } of measurements.filter(isWanted)) {
    for (const figure of await measure(sides)) {
      if (wanted.includes(figure.name)) console.log(JSON.stringify(figure));
    }
  }
}
clearTimeout(limit);
