import assert from "node:assert/strict";
import test from "node:test";
import type { OpenAPIV3_1 } from "openapi-types";
import type { KatoClient } from "../../../libs/client/client.ts";
import { katoClient } from "../../../libs/client/client.ts";
import type { Fetch } from "../../../libs/client/fetch.ts";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";

type Use = (client: KatoClient) => Promise<unknown>;

const p1 = (client: KatoClient) => client.processor("p1");
const grants = { processors: ["*"], scope: "read" } as const;

/** The client's method for each operation of the API. */
const methods: Record<string, Use> = {
  get: ({ gateway }) => gateway.home(),
  getOpenapiJson: ({ gateway }) => gateway.openApi(),
  getDocs: ({ gateway }) => gateway.docs(),
  getMetrics: ({ gateway }) => gateway.metrics(),
  getKatoApiPing: ({ gateway }) => gateway.ping(),
  getHealth: ({ gateway }) => gateway.health(),
  getReady: ({ gateway }) => gateway.ready(),
  getConnect: ({ gateway }) => gateway.genome(),
  getProcessors: ({ processors }) => processors.list({ from: "p", limit: 3 }),
  getProcessorsById: ({ processors }) => processors.get("p1"),
  putProcessorsById: ({ processors }) => processors.put("p1", { grpc_endpoint: "kato-p1:1441" }),
  deleteProcessorsById: ({ processors }) => processors.remove("p1", { force: true, data: true }),
  postProcessorsByIdPause: ({ processors }) => processors.pause("p1"),
  postProcessorsByIdResume: ({ processors }) => processors.resume("p1"),
  postProcessorsByIdRebuild: ({ processors }) => processors.rebuild("p1", { from: 1, dryRun: true }),
  postProcessorsByIdAdopt: ({ processors }) => processors.adopt("p1", { applied: 40 }),
  getProcessorsByIdLog: ({ processors }) => processors.log("p1", { from: 1, limit: 2 }),
  getProcessorsByIdLogEvents: ({ processors }) => processors.followLog("p1", { from: 1 }).next(),
  getProcessorsByIdLogBySequence: ({ processors }) => processors.loggedCommand("p1", 7),
  getProcessorsByIdDeadLettersBySequence: ({ processors }) => processors.deadLetter("p1", 7),
  getProcessorsByIdDeadLetters: ({ processors }) => processors.deadLetters("p1", { from: 1, limit: 2 }),
  getProcessorsByIdIngestions: ({ processors }) => processors.ingestions("p1", { from: 1 }),
  postProcessorsByIdDeadLettersBySequenceResend: ({ processors }) => processors.resendDeadLetter("p1", 7),
  deleteProcessorsByIdDeadLettersBySequence: ({ processors }) => processors.discardDeadLetter("p1", 7),
  getSession: ({ access }) => access.session(),
  postSession: ({ access }) => access.login("kato_a_b"),
  deleteSession: ({ access }) => access.logout(),
  getKeys: ({ access }) => access.keys({ from: "a", limit: 2 }),
  postKeys: ({ access }) => access.makeKey({ name: "reader", grants: { ...grants, processors: ["*"] } }),
  postKeysByKeyRotate: ({ access }) => access.rotateKey("k", { previousExpiresAt: "2030-01-01T00:00:00Z" }),
  deleteKeysByKey: ({ access }) => access.revokeKey("k"),
  getAudit: ({ access }) => access.audit({ from: 1, limit: 2 }),
  postObserve: (client) => p1(client).observe({ strings: ["a"] }),
  postLearn: (client) => p1(client).learn(),
  postObserveSequence: (client) => p1(client).observeSequence({ observations: [{ strings: ["a"] }] }),
  getWorkingMemory: (client) => p1(client).workingMemory(),
  postWorkingMemoryClear: (client) => p1(client).clearWorkingMemory(),
  postClearAllMemory: (client) => p1(client).clearAllMemory(),
  getPredictions: (client) => p1(client).predictions(),
  getPerceptData: (client) => p1(client).perceptData(),
  getCognitionData: (client) => p1(client).cognitionData(),
  getGeneByGene: (client) => p1(client).gene("persistence"),
  postGenesChange: (client) => p1(client).changeGenes({ persistence: 7 }),
  postGeneIncrementRecallThreshold: (client) => p1(client).incrementRecallThreshold(0.1),
  getModelByName: (client) => p1(client).model("MODEL|d46"),
  deleteModelByName: (client) => p1(client).deleteModel("MODEL|d46"),
  putModelByName: (client) => p1(client).changeModel("MODEL|d46", { frequency: 1 }),
  getVectorByName: (client) => p1(client).vector("VECTOR|d46"),
  getPing: (client) => p1(client).ping(),
  getName: (client) => p1(client).name(),
  getTime: (client) => p1(client).time(),
  getStatus: (client) => p1(client).status(),
  postSleep: (client) => p1(client).sleep(),
  postWake: (client) => p1(client).wake(),
  postStartPredicting: (client) => p1(client).startPredicting(),
  postStopPredicting: (client) => p1(client).stopPredicting(),
  putTargetClass: (client) => p1(client).setTargetClass("cat"),
  deleteTargetClass: (client) => p1(client).unsetTargetClass(),
  getCommandsByCommand: (client) => p1(client).command("c"),
  postObservations: (client) => p1(client).upload(() => '{"strings":["a"]}\n'),
  getIngestionsByIngestion: (client) => p1(client).ingestion("i"),
  getIngestionsByIngestionEvents: (client) => p1(client).followIngestion("i").next(),
};

/** Operations that are another name of one that the client has. */
const otherNames: Record<string, string> = {
  postClearWorkingMemory: "postWorkingMemoryClear",
  postPredictions: "getPredictions",
};

/** Operations that are for browsers alone. */
const forBrowsers = ["getConsole", "getConsoleByFile"];

/** Whether an operation's path and query are those of a URL. */
function isOf(path: string, url: URL, known: readonly string[]): boolean {
  const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
  const unknown = [...url.searchParams.keys()].filter((name) => !known.includes(name));
  return pattern.test(url.pathname) && unknown.length === 0;
}

test("every operation of the API has a method of the client, which sends that operation's request", async () => {
  const app = buildGatewayApp();
  const document: OpenAPIV3_1.Document = JSON.parse((await app.send("GET", "/openapi.json")).text);
  await app.close();
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item = {}]) =>
    Object.entries(item).map(([method, operation]) => {
      const { operationId = "", parameters = [] } = operation as OpenAPIV3_1.OperationObject;
      const query = parameters.flatMap((each) => ("in" in each && each.in === "query" ? [each.name] : []));
      return { operationId, method: method.toUpperCase(), path, query };
    }),
  );
  assert.deepEqual(
    [...Object.keys(methods), ...Object.keys(otherNames), ...forBrowsers].toSorted(),
    operations.map(({ operationId }) => operationId).toSorted(),
  );
  for (const { operationId, method, path, query } of operations) {
    const use = methods[operationId];
    if (!use) continue;
    const sent: string[] = [];
    const url = "http://gateway.example";
    const fetch: Fetch = async (target, request) => {
      assert.ok(isOf(path, new URL(target), query), `${operationId}: ${target} is not ${path}`);
      sent.push(request.method);
      return { status: 404, headers: { get: () => null }, body: null, text: async () => "{}" };
    };
    await use(katoClient({ url, fetch })).catch(() => {});
    assert.deepEqual(sent, [method], operationId);
  }
});

test("the client has no method that is no operation of the API", async () => {
  const used = new Set<string>();
  const watched = <T extends object>(group: string, methods: T): T =>
    new Proxy(methods, {
      get(target, name, receiver) {
        used.add(`${group}.${String(name)}`);
        return Reflect.get(target, name, receiver);
      },
    });
  const client = katoClient({
    url: "http://gateway.example",
    fetch: async () => ({ status: 404, headers: { get: () => null }, body: null, text: async () => "{}" }),
  });
  const groups = {
    gateway: client.gateway,
    processors: client.processors,
    access: client.access,
    processor: client.processor("p1"),
  };
  const watching: KatoClient = {
    url: client.url,
    gateway: watched("gateway", groups.gateway),
    processors: watched("processors", groups.processors),
    access: watched("access", groups.access),
    processor: () => watched("processor", groups.processor),
  };
  for (const use of Object.values(methods)) await use(watching).catch(() => {});
  const all = Object.entries(groups).flatMap(([group, methods]) =>
    Object.keys(methods).map((name) => `${group}.${name}`),
  );
  assert.deepEqual([...used].toSorted(), all.toSorted());
});
