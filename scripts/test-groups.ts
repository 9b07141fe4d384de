import { existsSync, globSync } from "node:fs";

/**
 * Test files that run in one process when all tests are run, by the name of their file in test/by-group. To load the
 * system, and to compile it, takes more CPU time than most of them do. None of them may change what its process is.
 * By themselves they run as any other file does.
 */
export const groups = {
  commands: [
    "end-to-end/commands/admission.test.ts",
    "end-to-end/commands/idempotency.test.ts",
    "end-to-end/commands/order.test.ts",
    "end-to-end/commands/respond-async.test.ts",
  ],
  bulk: [
    "end-to-end/bulk/observations.test.ts",
    "end-to-end/bulk/sequence.test.ts",
    "end-to-end/bulk/nats-away.test.ts",
  ],
  api: [
    "end-to-end/api/answers.test.ts",
    "end-to-end/api/any-request.test.ts",
    "end-to-end/api/limits.test.ts",
    "end-to-end/api/openapi.test.ts",
    "end-to-end/access/every-route.test.ts",
  ],
  fleet: [
    "end-to-end/fleet/genome.test.ts",
    "end-to-end/fleet/log-search.test.ts",
    "end-to-end/fleet/registry-sources.test.ts",
    "end-to-end/recovery/damaged-store.test.ts",
    "end-to-end/recovery/foreign-observes.test.ts",
  ],
  // They wait for elections. So they begin with the first, and not last, when nothing else would run beside them.
  clusters: [
    "chaos/nats-cluster.test.ts",
    "integration/libs/cluster-outage.test.ts",
    "integration/libs/replicated-log.test.ts",
  ],
  running: [
    "chaos/emptied-nats.test.ts",
    "end-to-end/running/kubernetes-probes.test.ts",
    "end-to-end/running/metrics.test.ts",
    "end-to-end/running/readme.test.ts",
  ],
  gateway: [
    "integration/gateway/admission.test.ts",
    "integration/gateway/lost-unseen.test.ts",
    "integration/gateway/many-processors.test.ts",
    "integration/gateway/registration.test.ts",
    "integration/gateway/registry-made-anew.test.ts",
    "integration/gateway/sending.test.ts",
  ],
  logs: [
    "integration/libs/cheap-updates.test.ts",
    "integration/libs/command-log.test.ts",
    "integration/libs/dead-letters.test.ts",
    "integration/libs/log-identity.test.ts",
    "integration/libs/log-limits.test.ts",
    "integration/libs/registry.test.ts",
    "integration/libs/replies.test.ts",
    "integration/libs/store-room.test.ts",
    "integration/libs/until-answered.test.ts",
  ],
  worker: [
    "integration/worker/checkpoint-store.test.ts",
    "integration/worker/checkpoints-made-anew.test.ts",
    "integration/worker/leases.test.ts",
    "integration/worker/log-trimming.test.ts",
    "integration/worker/many-processors.test.ts",
    "integration/worker/worker.test.ts",
  ],
  instances: [
    "integration/worker/broken-connection.test.ts",
    "integration/worker/goaway.test.ts",
    "integration/worker/unexpected-answers.test.ts",
  ],
  simulator: [
    "integration/kato/channel.test.ts",
    "integration/kato/tls.test.ts",
    "integration/simulator/auto-learn.test.ts",
    "integration/simulator/behaviour.test.ts",
    "integration/simulator/genes.test.ts",
    "integration/simulator/golden.test.ts",
    "integration/simulator/server.test.ts",
  ],
} as const;

/** The files of these patterns, with each group of which all are among them as one file. */
export function grouped(patterns: readonly string[]): string[] {
  const files = new Set(globSync(patterns));
  const together: string[] = [];
  for (const [name, members] of Object.entries(groups)) {
    const paths = members.map((member) => `test/${member}`);
    const group = `test/by-group/${name}.test.ts`;
    // Node says nothing of a file that is not there, and the group would not be run.
    if (!existsSync(group) || !paths.every((path) => files.has(path))) continue;
    for (const path of paths) files.delete(path);
    together.push(group);
  }
  return [...together, ...files];
}
