import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import test from "node:test";
import type {
  KubernetesObject,
  V1LabelSelector,
  V1NetworkPolicy,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
  V1PodDisruptionBudget,
  V1Service,
} from "@kubernetes/client-node";
import { dumpYaml, loadYaml } from "@kubernetes/client-node";
import { parse, parseAllDocuments, stringify } from "yaml";
import type { Workload } from "../../fixtures/kubernetes-manifests.ts";
import { containersOf, ofKind, render, workloadsIn } from "../../fixtures/kubernetes-manifests.ts";

const folder = "deploy/kubernetes";
const entries = ["", "base", "nats", "demo", "monitoring"].map((name) => `${folder}/${name}`);
/** Everything there is. */
const objects = [...render(`${folder}/demo`), ...render(`${folder}/monitoring`)];
const workloads = workloadsIn(objects);
const services = ofKind<V1Service>(objects, "Service");
const titleOf = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata?.name}`;

/** Throws where the object is not as the API's schema has it. */
async function assertValid(object: KubernetesObject): Promise<void> {
  const { apiVersion = "", kind = "" } = object;
  const library = apiVersion.startsWith("monitoring.coreos.com/")
    ? "@kubernetes-models/prometheus-operator"
    : "kubernetes-models";
  const models: Record<string, new (data: object) => { validate(): void }> = await import(
    `${library}/${apiVersion}/${kind}`
  );
  const Model = models[kind];
  assert.ok(Model, `${library} has no ${apiVersion} ${kind}`);
  new Model(object).validate();
}

test("every object matches the schema of its kind and has no unknown field", async () => {
  for (const object of objects) {
    await assertValid(object).catch((error) => assert.fail(`${titleOf(object)}: ${error.message}`));
    // The schemas let unknown fields pass; Kubernetes's own client leaves them out. It knows no custom
    // resources.
    assert.deepEqual(parse(dumpYaml(loadYaml(stringify(object)))), object);
  }
});

test("no object exists twice", () => {
  const titles = objects.map(titleOf);
  assert.deepEqual(
    titles.filter((title, index) => titles.indexOf(title) !== index),
    [],
  );
});

const kubectl = spawnSync("kubectl", ["version", "--client"]);
test("kubectl renders the same objects", { skip: kubectl.status !== 0 && "there is no kubectl here" }, () => {
  for (const entry of entries) {
    const args = ["kustomize", resolve(import.meta.dirname, "../../..", entry)];
    const { stdout, stderr, status } = spawnSync("kubectl", args, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    const generated = render(entry).filter(({ kind }) => kind === "ConfigMap" || kind === "Secret");
    const names = generated.map(({ metadata }) => metadata?.name);
    // What is generated has a hash in its name, wherever that stands; a base alone may name what is generated
    // elsewhere.
    const text = stdout.replace(new RegExp(`\\b(${names.join("|") || "-"})-[a-z0-9]{10}\\b`, "g"), "$1");
    const rendered = parseAllDocuments(text).map((document) => document.toJS());
    const inOrder = (list: KubernetesObject[]) =>
      list.toSorted((a, b) => titleOf(a).localeCompare(titleOf(b)));
    assert.deepEqual(inOrder(rendered), inOrder(render(entry)), entry);
  }
});

const labelsOf = (workload: Workload) => workload.spec?.template.metadata?.labels ?? {};

function selects(
  selector: V1LabelSelector | undefined = {},
  labels: Record<string, string> | undefined = {},
): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      assert.ok(operator === "In" || operator === "Exists", operator);
      const value = labels[key];
      return value !== undefined && (operator === "Exists" || values.includes(value));
    })
  );
}
const selectedBy = (selector: V1LabelSelector | undefined) =>
  workloads.filter((workload) => selects(selector, labelsOf(workload)));
const portsOf = (workload: Workload) => containersOf(workload).flatMap(({ ports = [] }) => ports);

test("each Deployment, StatefulSet, Service and disruption budget selects the Pods of one workload, the right one", () => {
  for (const { metadata, spec } of workloads) {
    assert.deepEqual(
      selectedBy(spec?.selector).map((selected) => selected.metadata?.name),
      [metadata?.name],
    );
    for (const { labelSelector } of spec?.template.spec?.topologySpreadConstraints ?? []) {
      assert.deepEqual(labelSelector, spec?.selector);
    }
  }
  const budgets = ofKind<V1PodDisruptionBudget>(objects, "PodDisruptionBudget");
  for (const [object, selector] of [
    ...services.map((service) => [service, { matchLabels: service.spec?.selector ?? {} }] as const),
    ...budgets.map((budget) => [budget, budget.spec?.selector] as const),
  ]) {
    const names = selectedBy(selector).map(({ metadata }) => metadata?.name);
    assert.deepEqual(names, [object.metadata?.name], titleOf(object));
  }
  assert.deepEqual(budgets.map(({ metadata }) => metadata?.name).sort(), ["gateway", "nats", "worker"]);
});

test("the ports that are named exist", () => {
  for (const workload of workloads) {
    const serviceName = workload.spec && "serviceName" in workload.spec && workload.spec.serviceName;
    if (serviceName) assert.ok(services.some(({ metadata }) => metadata?.name === serviceName));
    for (const container of containersOf(workload)) {
      const named = new Set(container.ports?.map(({ name }) => name));
      const { startupProbe, readinessProbe, livenessProbe } = container;
      assert.ok(readinessProbe, titleOf(workload));
      for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
        const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port;
        if (probe) assert.ok(named.has(String(port)), `${titleOf(workload)}: no port ${port}`);
      }
    }
  }
  for (const service of services) {
    for (const workload of selectedBy({ matchLabels: service.spec?.selector ?? {} })) {
      for (const { targetPort } of service.spec?.ports ?? []) {
        assert.ok(
          portsOf(workload).some(({ name }) => name === targetPort),
          `${titleOf(service)}: ${targetPort}`,
        );
      }
    }
  }
});

interface Monitor extends KubernetesObject {
  spec: {
    jobLabel: string;
    selector: V1LabelSelector;
    endpoints?: { port: string }[];
    podMetricsEndpoints?: { port: string }[];
  };
}

test("Prometheus finds the ports with metrics, under the jobs that its rules name", () => {
  const jobs: unknown[] = [];
  for (const { spec } of ofKind<Monitor>(objects, "ServiceMonitor")) {
    for (const { port } of spec.endpoints ?? []) {
      for (const service of services.filter(({ metadata }) => selects(spec.selector, metadata?.labels))) {
        assert.ok(service.spec?.ports?.some(({ name }) => name === port));
        jobs.push(service.metadata?.labels?.[spec.jobLabel]);
      }
    }
  }
  for (const { spec } of ofKind<Monitor>(objects, "PodMonitor")) {
    for (const { port } of spec.podMetricsEndpoints ?? []) {
      for (const workload of selectedBy(spec.selector)) {
        assert.ok(portsOf(workload).some(({ name }) => name === port));
        jobs.push(labelsOf(workload)[spec.jobLabel]);
      }
    }
  }
  const rules = JSON.stringify(ofKind(objects, "PrometheusRule"));
  const named = new Set([...rules.matchAll(/\bjob=\\"(\w+)/g)].map(([, job]) => job));
  assert.deepEqual(jobs.sort(), [...named].sort());
});

/** Whether the port is let through; a rule without ports lets all. */
const hasPort = (port: number, ports: V1NetworkPolicyPort[] = []) =>
  ports.length === 0 || ports.some((allowed) => allowed.port === port);
/**
 * Whether somebody with these labels, in our namespace, is among the peers; a rule without peers means
 * everybody.
 */
const isAmong = (workload: Workload, peers: V1NetworkPolicyPeer[] = []) =>
  peers.length === 0 ||
  peers.some(
    ({ podSelector, namespaceSelector }) =>
      podSelector && !namespaceSelector && selects(podSelector, labelsOf(workload)),
  );

const policies = ofKind<V1NetworkPolicy>(objects, "NetworkPolicy").flatMap(
  (policy) => loadYaml<V1NetworkPolicy>(stringify(policy)).spec ?? [],
);
const policiesFor = (workload: Workload, type: string) =>
  policies.filter(
    ({ podSelector, policyTypes }) => policyTypes?.includes(type) && selects(podSelector, labelsOf(workload)),
  );
const egressOf = (workload: Workload) => policiesFor(workload, "Egress").flatMap(({ egress = [] }) => egress);
const ingressOf = (workload: Workload) =>
  policiesFor(workload, "Ingress").flatMap(({ ingress = [] }) => ingress);

/**
 * Whether one of the namespace's Pods reaches another's port. Where no policy selects it, a direction is
 * open.
 */
function reaches(from: Workload, to: Workload, port: number): boolean {
  const isOut = egressOf(from).some((rule) => hasPort(port, rule.ports) && isAmong(to, rule.to));
  const isIn = ingressOf(to).some((rule) => hasPort(port, rule.ports) && isAmong(from, rule._from));
  return (
    (isOut || policiesFor(from, "Egress").length === 0) && (isIn || policiesFor(to, "Ingress").length === 0)
  );
}

test("the network policies let each Pod reach what it needs and nothing else", () => {
  const found = workloads.flatMap((from) =>
    workloads.flatMap((to) =>
      portsOf(to)
        .filter(({ containerPort }) => reaches(from, to, containerPort))
        .map(({ containerPort }) => `${from.metadata?.name} > ${to.metadata?.name}:${containerPort}`),
    ),
  );
  assert.deepEqual(found.sort(), [
    "discovery > gateway:8000",
    "gateway > nats:4222",
    // What instances may reach is not confined, and REST is for everybody.
    "kato-p1 > gateway:8000",
    "kato-p2 > gateway:8000",
    "nats > nats:6222",
    "worker > kato-p1:1441",
    "worker > kato-p2:1441",
    "worker > nats:4222",
  ]);
});

test("the network policies allow name servers for all, the API server for discovery, and the workers for Prometheus", () => {
  for (const workload of workloads.filter((each) => policiesFor(each, "Egress").length > 0)) {
    const anywhere = egressOf(workload).filter(({ to }) => to === undefined);
    const ports = anywhere
      .flatMap((rule) => rule.ports ?? [])
      .map(({ protocol, port }) => `${protocol} ${port}`);
    const needed =
      workload.metadata?.name === "discovery"
        ? ["TCP 16443", "TCP 443", "TCP 53", "TCP 6443", "TCP 8443", "UDP 53"]
        : ["TCP 53", "UDP 53"];
    assert.deepEqual(ports.sort(), needed, titleOf(workload));
  }
  const fromElsewhere = workloads.flatMap((workload) =>
    ingressOf(workload)
      .filter(({ _from: peers = [] }) => peers.some(({ namespaceSelector }) => namespaceSelector))
      .map(({ ports }) => [workload.metadata?.name, ports?.map(({ port }) => port)]),
  );
  assert.deepEqual(fromElsewhere, [["worker", [9464]]]);
});
