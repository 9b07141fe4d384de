import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";
import { parse } from "yaml";
import type { Outcome } from "../../../libs/commands/messages/reply.ts";
import { errorCatalog } from "../../../libs/errors/gateway-error.ts";
import { createGatewayMetrics } from "../../../services/gateway/http/metrics.ts";
import { createWorkerMetrics } from "../../../services/worker/metrics.ts";
import { idleState } from "../../fixtures/idle-state.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

/** What Prometheus puts on everything that it scrapes. */
const ofEveryTarget = ["job", "instance"];

/** What a scrape serves: the labels of each name in it, a histogram's parts as names of their own. */
function labelsByName(scrape: string): Map<string, Set<string>> {
  const served = new Map<string, Set<string>>();
  for (const [, name = "", labels = ""] of scrape.matchAll(/^(\w+)(?:\{(.*)\})? /gm)) {
    const known = served.get(name) ?? new Set();
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) known.add(label);
    served.set(name, known);
  }
  return served;
}

const isRegistered = () => true;
const gatewayFacts = {
  isRegistered,
  processors: () => ({ registered: 1, unowned: 0 }),
  natsReconnects: () => 0,
  storage: () => ({}),
  clockSkewMs: () => 0,
};
const workerFacts = {
  isRegistered,
  states: () => [idleState],
  natsReconnects: () => 0,
  clockSkewMs: () => 0,
};
const request = {
  processor: "p1",
  method: "POST /:id/observe",
  outcome: "okay",
  seconds: 0.1,
  isStream: false,
};
const gateway = createGatewayMetrics(gatewayFacts, true);
gateway.answered(request);
const worker = createWorkerMetrics(workerFacts, true);
worker.applied({ processor: "p1", seconds: 0.1 });
worker.concluded({ processor: "p1", outcome: "applied" });
worker.waited({ method: "Observe", seconds: 0.1 });
worker.called({ method: "Observe", outcome: "response", seconds: 0.1 });
worker.recovered({ processor: "p1", method: "rebuild", outcome: "exact" });
worker.reconnected("p1");
const ofGateway = labelsByName(await gateway.scrape());
const ofWorker = labelsByName(await worker.scrape());
const served = new Map([["up", new Set<string>()], ...ofGateway, ...ofWorker]);

/**
 * What an expression of PromQL asks for: names with the labels that each is selected by, and the labels that
 * it is grouped by.
 */
function asked(expression: string) {
  const matchers: [name: string, label: string, value: string][] = [];
  const groupedBy = new Set<string>();
  const words = expression
    .replace(/(\w+)\{(.*?)\}/g, (_, name, list) => {
      for (const [, label = "", value = ""] of list.matchAll(/(\w+)\s*[=!]~?\s*"(.*?)"/g)) {
        matchers.push([name, label, value]);
      }
      return name;
    })
    .replace(/\b(?:by|without|on|ignoring)\s*\((.*?)\)/g, (_, list) => {
      for (const label of list.split(",")) groupedBy.add(label.trim());
      return " ";
    })
    .replace(/\[.*?\]/g, " ");
  const names = [...words.matchAll(/\b([a-zA-Z_]\w*)\b(?!\s*\()/g)]
    .map(([, name = ""]) => name)
    .filter((name) => !["and", "or", "unless", "offset", "bool"].includes(name));
  return { names, matchers, groupedBy };
}

/**
 * Asserts that there is all that an expression asks for, and that its result has the labels which a text
 * about it names.
 */
function assertServed(expression: string, what: string, text = ""): void {
  const { names, matchers, groupedBy } = asked(expression);
  assert.ok(names.length > 0, `${what} asks for nothing`);
  const has = (name: string, label: string) => ofEveryTarget.includes(label) || served.get(name)?.has(label);
  for (const name of names) {
    assert.ok(served.has(name), `${what}: nobody serves ${name}`);
    for (const label of groupedBy) assert.ok(has(name, label), `${what}: ${name} has no label ${label}`);
  }
  for (const [name, label, value] of matchers) {
    assert.ok(has(name, label), `${what}: ${name} has no label ${label}`);
    if (name.startsWith("kato_http_request") && label === "outcome") {
      for (const outcome of value.split("|"))
        assert.ok(outcome in { okay: 0, ...errorCatalog }, `${what}: ${outcome}`);
    }
  }
  const isGrouped = /\b(sum|max|min|avg|count|absent)\b/.test(expression);
  const ofResult = (label: string) =>
    isGrouped ? groupedBy.has(label) : names.every((name) => has(name, label));
  for (const [, inAlert, inLegend] of text.matchAll(/\{\{\s*(?:\$labels\.(\w+)|(\w+))/g)) {
    const label = inAlert ?? inLegend ?? "";
    assert.ok(ofResult(label), `${what}: its result has no label ${label}`);
  }
}

interface Alert {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}
const alerts: Alert[] = parse(read("deploy/prometheus/alerts.yml")).groups.flatMap(
  ({ rules }: { rules: Alert[] }) => rules,
);

test("the metrics that the alerts use are served, and their texts name labels that the results have", () => {
  for (const { alert, expr, annotations } of alerts) {
    assertServed(expr, alert, Object.values(annotations).join(" "));
  }
});

test("the metrics that the dashboard uses are served, and its legends name labels that the results have", () => {
  const { panels, templating } = JSON.parse(read("deploy/grafana/dashboards/kato.json"));
  for (const { title, targets } of panels) {
    for (const { expr, legendFormat } of targets) assertServed(expr, title, legendFormat);
  }
  for (const { definition } of templating.list) {
    const [, name = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
    assert.ok(served.get(name)?.has(label), definition);
  }
});

const operating = read("docs/operating.md");
/** The cells of the lines of the document's tables whose first cell matches. */
const rows = (first: RegExp) =>
  [...operating.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)]
    .map(([, name = "", rest = ""]) => [name, ...rest.split("|").map((cell) => cell.trim())])
    .filter(([name = ""]) => first.test(name));

test("docs/operating.md has all metrics of the project with their labels, and no other", () => {
  const order = ["processor", "method", "outcome"];
  const ownOf = (names: Map<string, Set<string>>) =>
    [...names]
      .filter(([name]) => name.startsWith("kato_") && !/_(bucket|sum)$/.test(name))
      .map(([name, labels]) => {
        const ofName = [...labels].toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
        return `${name.replace(/_seconds_count$/, "_seconds")}: ${ofName.join(", ")}`;
      });
  assert.deepEqual(
    rows(/^kato_/)
      .map(([name, labels]) => `${name}: ${labels}`)
      .toSorted(),
    [...ownOf(ofGateway), ...ownOf(ofWorker)].toSorted(),
  );
  const documented = new Set(rows(/^kato_/).map(([name]) => name));
  for (const [name] of operating.matchAll(/\bkato_(?!proc\b)\w+/g)) assert.ok(documented.has(name), name);
});

test("docs/operating.md names the outcomes and the states as they are served", async () => {
  const inCode = (text = "") => Array.from(text.matchAll(/`([\w-]+)`/g), ([, word]) => word).toSorted();
  const told = new Map(rows(/^kato_/).map(([name, , text]) => [name, text]));
  const scrape = await worker.scrape();
  const ofCommands = { applied: 0, failed: 0, expired: 0, unknown: 0 } satisfies Record<Outcome, 0>;
  assert.deepEqual(inCode(told.get("kato_commands_total")), [...Object.keys(ofCommands), "lost"].toSorted());
  const [, endings = ""] =
    /^const endings = \{(.*?)\}/ms.exec(read("services/worker/instance/call-telemetry.ts")) ?? [];
  const ofCalls = Array.from(endings.matchAll(/: "([\w-]+)"/g), ([, outcome]) => outcome).toSorted();
  assert.deepEqual(inCode(told.get("kato_grpc_call_seconds")), ofCalls);
  const leases = scrape.matchAll(/^kato_lease_changes_total\{outcome="([\w-]+)"\}/gm);
  assert.deepEqual(
    inCode(told.get("kato_lease_changes_total")),
    Array.from(leases, ([, outcome]) => outcome).toSorted(),
  );
  const [, states] = /^# HELP kato_processor_state How it stands: (.*)$/m.exec(scrape) ?? [];
  assert.equal(told.get("kato_processor_state")?.replaceAll("`", ""), states);
});

test("docs/operating.md says of each alert what it means and what to do", () => {
  const told = rows(/^Kato[A-Z]/);
  assert.deepEqual(
    told.map(([alert]) => alert),
    alerts.map(({ alert }) => alert),
  );
  for (const [alert, meaning, todo] of told) assert.ok(meaning && todo, `${alert}`);
});

test("a series whose increase sets off an alert is served as 0 from the beginning, so that its first increase shows", async () => {
  const fresh = createWorkerMetrics({ ...workerFacts, states: () => [] }, true);
  const metrics = `${await fresh.scrape()}\n${await worker.scrape()}`;
  for (const series of [
    'kato_commands_total{processor="p1",outcome="unknown"} 0',
    'kato_dead_letters_total{processor="p1"} 0',
    'kato_lease_changes_total{outcome="lost"} 0',
  ]) {
    assert.ok(metrics.includes(series), series);
  }
});

test("latencies by processor are of those that are registered, are no streams', and can be turned off", async () => {
  const registered = new Set(["p1", "p2"]);
  const facts = { isRegistered: (processor: string) => registered.has(processor) };
  const ofGateway = (isOn: boolean) => createGatewayMetrics({ ...gatewayFacts, ...facts }, isOn);
  const ofWorker = (isOn: boolean) =>
    createWorkerMetrics({ ...workerFacts, ...facts, states: () => [] }, isOn);
  const counts = async ({ scrape }: { scrape: () => Promise<string> }) =>
    Array.from(
      (await scrape()).matchAll(/^kato_processor_\w+_count\{processor="(\w+)"\} (\d+)/gm),
      ([, id, count]) => [id, count],
    );
  const [gateway, worker] = [ofGateway(true), ofWorker(true)];
  for (const processor of ["p1", "p2", "nobody", ""]) {
    gateway.answered({ ...request, processor });
    gateway.answered({ ...request, processor, isStream: true });
    gateway.answered({ ...request, processor, outcome: "DEADLINE_PASSED" });
    worker.applied({ processor, seconds: 1 });
  }
  for (const metrics of [gateway, worker]) {
    assert.deepEqual(await counts(metrics), [
      ["p1", "1"],
      ["p2", "1"],
    ]);
  }
  registered.delete("p1");
  for (const metrics of [gateway, worker]) assert.deepEqual(await counts(metrics), [["p2", "1"]]);
  registered.add("p1");
  worker.applied({ processor: "p1", seconds: 1 });
  assert.deepEqual((await counts(worker)).toSorted(), [
    ["p1", "1"],
    ["p2", "1"],
  ]);

  const [quietGateway, quietWorker] = [ofGateway(false), ofWorker(false)];
  quietGateway.answered(request);
  quietWorker.applied({ processor: "p1", seconds: 1 });
  for (const metrics of [quietGateway, quietWorker]) {
    assert.ok(!(await metrics.scrape()).includes("kato_processor_call_seconds"));
    assert.ok(!(await metrics.scrape()).includes("kato_processor_request_seconds"));
  }
});
