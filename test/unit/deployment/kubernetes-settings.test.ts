import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";
import type {
  V1ConfigMap,
  V1Container,
  V1EnvVar,
  V1PolicyRule,
  V1Role,
  V1RoleBinding,
  V1Service,
} from "@kubernetes/client-node";
import { parse, parseAllDocuments } from "yaml";
import { isProcessorId } from "../../../libs/commands/messages/subjects.ts";
import { settingNames } from "../../../libs/config/setting-names.ts";
import { defaultGrpcPort, labels } from "../../../services/discovery/sources/source.ts";
import { readWait } from "../../../services/gateway/http/headers.ts";
import type { Workload } from "../../fixtures/kubernetes-manifests.ts";
import { containersOf, ofKind, render, workloadsIn } from "../../fixtures/kubernetes-manifests.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const objects = [...render("deploy/kubernetes/demo"), ...render("deploy/kubernetes/monitoring")];
const workloads = workloadsIn(objects);

function workload(name: string): Workload {
  const found = workloads.find(({ metadata }) => metadata?.name === name);
  assert.ok(found, name);
  return found;
}
function containerOf(name: string): V1Container {
  const [container, ...more] = containersOf(workload(name));
  assert.ok(container && more.length === 0, name);
  return container;
}

/** The keys of a ConfigMap, which has to be there. */
function keysOf(name: string | undefined): string[] {
  const found = ofKind<V1ConfigMap>(objects, "ConfigMap").find(({ metadata }) => metadata?.name === name);
  assert.ok(found, `ConfigMap ${name}`);
  return Object.keys(found.data ?? {});
}

/** The variables of a container, those of its ConfigMaps first, as the kubelet has them. */
function variablesOf({ envFrom = [], env = [] }: V1Container): V1EnvVar[] {
  const names = envFrom.flatMap(({ configMapRef }) => keysOf(configMapRef?.name));
  return [...names.map((name) => ({ name })), ...env];
}
const settingOf = (container: V1Container, name: string) =>
  container.env?.find((variable) => variable.name === name)?.value;
const commonSettings = ofKind<V1ConfigMap>(objects, "ConfigMap").find(
  ({ metadata }) => metadata?.name === "kato-settings",
)?.data;

const ours = workloads.filter((each) =>
  containersOf(each).some(({ image }) => image?.startsWith("kato-gateway/")),
);

test("the images are those of our services in the package's version, and listen on the ports that are used", () => {
  const { version } = JSON.parse(read("package.json"));
  const images = ours.flatMap(containersOf).map(({ image }) => image);
  assert.deepEqual(
    images.sort(),
    ["discovery", "gateway", "simulator", "simulator", "worker"].map(
      (name) => `kato-gateway/${name}:${version}`,
    ),
  );
  for (const file of globSync("{,deploy/}Dockerfile.*", { cwd: root })) {
    const name = file.split(".").at(-1);
    const using = workloads
      .flatMap(containersOf)
      .filter(({ image }) => image === `kato-gateway/${name}:${version}`);
    assert.ok(using.length > 0, name);
    const exposed = /^EXPOSE (\d+)$/m.exec(read(file))?.[1];
    for (const { ports = [] } of using) {
      assert.deepEqual(
        ports.map(({ containerPort }) => String(containerPort)),
        [exposed],
      );
    }
  }
  const tag = /NATS_TAG:-([^}]+)/.exec(read("deploy/docker-compose.cluster.yml"))?.[1];
  assert.equal(containerOf("nats").image, `nats:${tag}`);
});

test("our services are given settings that exist, and variables are used only after those that they refer to", () => {
  const known = new Set<string>(settingNames);
  // It is in the ConfigMap that all have, and NATS_URL is made of it.
  known.add("NATS_SERVERS");
  for (const container of workloads.flatMap(containersOf)) {
    const variables = variablesOf(container);
    const defined = new Set<string>();
    const used = new Set<string>();
    for (const { name, value = "", valueFrom } of variables) {
      for (const [, other = ""] of value.matchAll(/\$\((\w+)\)/g)) {
        assert.ok(defined.has(other), `${container.name}: ${name} uses ${other}`);
        used.add(other);
      }
      // Secrets are files.
      assert.equal(valueFrom, undefined, name);
      defined.add(name);
    }
    for (const [, other = ""] of (container.args ?? []).join().matchAll(/\$\((\w+)\)/g)) {
      assert.ok(defined.has(other), `${container.name}: ${other}`);
    }
    if (container.name === "nats") continue;
    const unknown = variables.filter(({ name }) => !known.has(name) && !used.has(name));
    assert.deepEqual(unknown, [], container.name);
  }
  for (const { spec } of workloads) {
    for (const { configMap } of spec?.template.spec?.volumes ?? []) {
      if (configMap) keysOf(configMap.name);
    }
  }
});

test("discovery needs no NATS: it reaches the gateways' Service", () => {
  const settings = ["NATS_URL", "GATEWAY_URL"].map((name) => settingOf(containerOf("discovery"), name));
  assert.deepEqual(settings, [undefined, "http://gateway:8000"]);
});

test("NATS's nodes have the names that the others call them by", () => {
  const nats = workload("nats");
  assert.ok(nats.spec && "serviceName" in nats.spec);
  const { replicas = 0, serviceName } = nats.spec;
  const nodes = Array.from({ length: replicas }, (_, index) => `nats-${index}.${serviceName}`);
  assert.equal(commonSettings?.NATS_SERVERS, nodes.map((node) => `${node}:4222`).join());
  assert.equal(settingOf(containerOf("nats"), "NATS_ROUTES"), nodes.map((node) => `${node}:6222`).join());
  assert.equal(commonSettings?.NATS_REPLICAS, String(replicas));
  // Before its name is there a node does not find the others, and it is not ready before it has.
  const service = ofKind<V1Service>(objects, "Service").find(
    ({ metadata }) => metadata?.name === serviceName,
  );
  assert.equal(service?.spec?.publishNotReadyAddresses, true);
  assert.equal(service?.spec?.clusterIP, "None");
});

test("nothing has a right that it does not need", () => {
  for (const each of workloads) {
    const name = each.metadata?.name;
    const pod = each.spec?.template.spec;
    const { runAsNonRoot, runAsUser, seccompProfile } = pod?.securityContext ?? {};
    assert.deepEqual([runAsNonRoot, runAsUser, seccompProfile?.type], [true, 1000, "RuntimeDefault"], name);
    assert.equal(pod?.automountServiceAccountToken, name === "discovery", name);
    // A Service named gateway would set GATEWAY_PORT to something that is no port.
    assert.equal(pod?.enableServiceLinks, false, name);
    for (const { securityContext, resources, volumeMounts = [] } of containersOf(each)) {
      assert.deepEqual(securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      assert.ok(resources?.requests?.cpu && resources.requests.memory && resources.limits?.memory, name);
      const claims = each.spec && "volumeClaimTemplates" in each.spec && each.spec.volumeClaimTemplates;
      const volumes = [...(pod?.volumes ?? []), ...(claims || []).map(({ metadata }) => metadata ?? {})];
      for (const mount of volumeMounts) assert.ok(volumes.some((volume) => volume.name === mount.name));
    }
  }
});

test("discovery may list and watch Services and Pods, as it does", () => {
  const [role, binding] = [
    ofKind<V1Role>(objects, "Role")[0],
    ofKind<V1RoleBinding>(objects, "RoleBinding")[0],
  ];
  const resource = settingOf(containerOf("discovery"), "KUBERNETES_KIND") ?? "";
  const needed: V1PolicyRule[] = [{ apiGroups: [""], resources: [resource], verbs: ["list", "watch"] }];
  assert.deepEqual(role?.rules, needed);
  assert.equal(binding?.roleRef.name, role?.metadata?.name);
  const account = workload("discovery").spec?.template.spec?.serviceAccountName;
  assert.deepEqual(binding?.subjects, [
    { kind: "ServiceAccount", name: account, namespace: role?.metadata?.namespace },
  ]);
  assert.ok(ofKind(objects, "ServiceAccount").some(({ metadata }) => metadata?.name === account));
  // What else its source would ask the API for stands here first.
  const source = read("services/discovery/sources/kubernetes.ts");
  const calls = new Set([...source.matchAll(/#(?:api|watch)\.(\w+)\(/g)].map(([, call]) => call));
  assert.deepEqual([...calls].sort(), ["listNamespacedPod", "listNamespacedService", "watch"]);
});

test("a gateway has the time to finish the requests that it has accepted", () => {
  const graceMs = Number(settingOf(containerOf("gateway"), "GATEWAY_STOP_GRACE_MS"));
  assert.ok(graceMs > 0);
  const longestMs = readWait("wait=1000000").waitMs;
  const { terminationGracePeriodSeconds = 30 } = workload("gateway").spec?.template.spec ?? {};
  assert.ok(terminationGracePeriodSeconds * 1_000 > graceMs + longestMs);
});

test("the simulators have the labels that discovery and the network policies look for", () => {
  const services = ofKind<V1Service>(objects, "Service").filter(
    ({ metadata }) => metadata?.labels?.[labels.id] !== undefined,
  );
  assert.equal(services.length, 2);
  for (const { metadata, spec } of services) {
    const id = metadata?.labels?.[labels.id] ?? "";
    assert.ok(isProcessorId(id), id);
    assert.deepEqual(spec?.selector, { [labels.id]: id });
    assert.ok(spec?.ports?.some(({ port }) => String(port) === defaultGrpcPort));
    const instance = workload(metadata?.name ?? "");
    assert.equal(instance.spec?.replicas, 1);
    assert.equal(instance.spec?.template.metadata?.labels?.[labels.id], id);
    const manifest = JSON.parse(settingOf(containerOf(metadata?.name ?? ""), "MANIFEST") ?? "");
    assert.deepEqual(manifest, { id, name: metadata?.labels?.[labels.name] });
  }
});

interface Rules {
  groups: { rules: { expr: string }[] }[];
}

test("the Prometheus operator has the same rules as any other Prometheus, for metrics that exist", () => {
  const alerts: Rules = parse(read("deploy/prometheus/alerts.yml"));
  const [rule] = parseAllDocuments(read("deploy/kubernetes/monitoring/rules.yaml")).map((each) =>
    each.toJS(),
  );
  assert.deepEqual(rule.spec, alerts);
  const files = globSync("services/{gateway,worker}/**/metrics.ts", { cwd: root });
  assert.equal(files.length, 2);
  const metrics = files.map(read).join();
  const expressions = alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
  const asked = [...expressions, read("deploy/grafana/dashboards/kato.json")].join("\n");
  for (const [name] of asked.matchAll(/\bkato_\w+/g)) {
    assert.ok(metrics.includes(`"${name.replace(/_(bucket|sum|count)$/, "")}"`), name);
  }
});

test("every file below deploy/kubernetes is in some kustomization", () => {
  const folder = join(root, "deploy/kubernetes");
  for (const file of globSync("**/*.yaml", { cwd: folder })) {
    if (file.endsWith("kustomization.yaml")) continue;
    const [name = "", ...path] = file.split("/").reverse();
    const kustomization = join(folder, ...path.reverse(), "kustomization.yaml");
    assert.ok(existsSync(kustomization), file);
    assert.ok(parse(readFileSync(kustomization, "utf8")).resources.includes(name), file);
  }
});
