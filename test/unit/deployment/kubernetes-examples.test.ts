import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import test from "node:test";
import type { KubernetesObject, V1ConfigMap, V1NetworkPolicy } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";
import type { Workload } from "../../fixtures/kubernetes-manifests.ts";
import { containersOf, ofKind, workloadsIn } from "../../fixtures/kubernetes-manifests.ts";

const kubectl = spawnSync("kubectl", ["version", "--client"]);
const options = { skip: kubectl.status !== 0 && "there is no kubectl here" };

/** What kubectl makes of an example. */
function rendered(example: string): KubernetesObject[] {
  const folder = resolve(import.meta.dirname, "../../../deploy/kubernetes/examples", example);
  const { stdout, stderr, status } = spawnSync("kubectl", ["kustomize", folder], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

const named = (objects: KubernetesObject[], name: string): Workload | undefined =>
  workloadsIn(objects).find(({ metadata }) => metadata?.name === name);
const settingsIn = (objects: KubernetesObject[]) =>
  ofKind<V1ConfigMap>(objects, "ConfigMap").find(({ metadata }) =>
    metadata?.name?.startsWith("kato-settings"),
  )?.data;

test(
  "the example of values changes images, replicas, settings, resources, places and storage",
  options,
  () => {
    const objects = rendered("values");
    const workloads = workloadsIn(objects);
    assert.equal(workloads.length, 4);
    for (const workload of workloads) {
      for (const { image } of containersOf(workload))
        assert.match(image ?? "", /^registry\.example\.com\/.*:[\d.]+/);
      const pod = workload.spec?.template.spec;
      assert.deepEqual(pod?.nodeSelector, { pool: "kato" });
      assert.deepEqual(pod?.imagePullSecrets, [{ name: "registry" }]);
    }
    const counts = ["gateway", "worker", "nats"].map((name) => named(objects, name)?.spec?.replicas);
    assert.deepEqual(counts, [3, 4, 3]);
    assert.equal(settingsIn(objects)?.LOG_LEVEL, "warn");
    assert.equal(settingsIn(objects)?.NATS_REPLICAS, "3", "what it does not name stays");
    const [container] = containersOf(named(objects, "worker") ?? {});
    assert.equal(container?.resources?.limits?.memory, "1Gi");
    assert.ok(container?.readinessProbe, "a patch leaves the rest");
    const nats = named(objects, "nats");
    const [claim] =
      nats?.spec && "volumeClaimTemplates" in nats.spec ? (nats.spec.volumeClaimTemplates ?? []) : [];
    assert.deepEqual(
      [claim?.spec?.storageClassName, claim?.spec?.resources?.requests?.storage],
      ["fast", "100Gi"],
    );
  },
);

test("the example of a NATS of one's own has none, and lets gateways and workers reach it", options, () => {
  const objects = rendered("own-nats");
  assert.equal(named(objects, "nats"), undefined);
  assert.equal(settingsIn(objects)?.NATS_SERVERS, "nats.nats.svc:4222");
  const policies = ofKind<V1NetworkPolicy>(objects, "NetworkPolicy");
  assert.ok(policies.some(({ metadata }) => metadata?.name === "nats-clients"));
});

test(
  "the example of KATO has one id everywhere, and its MongoDB the label by which it is reached",
  options,
  () => {
    const objects = rendered("kato");
    const kato = named(objects, "kato-p1");
    const { env = [] } = containersOf(kato ?? {})[0] ?? {};
    const { id } = JSON.parse(env.find(({ name }) => name === "MANIFEST")?.value ?? "{}");
    const labels = { "kato.processor.id": id };
    assert.equal(kato?.spec?.replicas, 1);
    assert.deepEqual(kato?.spec?.template.metadata?.labels, labels);
    const service = objects.find(({ kind, metadata }) => kind === "Service" && metadata?.name === "kato-p1");
    assert.equal(service?.metadata?.labels?.["kato.processor.id"], id);
    const policy = ofKind<V1NetworkPolicy>(objects, "NetworkPolicy").find(
      ({ metadata }) => metadata?.name === "mongodb",
    );
    const mongodb = named(objects, "mongodb");
    assert.deepEqual(policy?.spec?.podSelector?.matchLabels, mongodb?.spec?.template.metadata?.labels);
  },
);
