import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { after, before, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { FastifyInstance } from "fastify";
import type { OpenAPIV3_1 } from "openapi-types";
import { createLogger } from "../../../libs/telemetry/logger.ts";
import { buildApp } from "../../../services/gateway/app.ts";
import { defaultLimits } from "../../../services/gateway/http/limits.ts";
import { tags } from "../../../services/gateway/openapi/operation.ts";
import { ApiDocument } from "../../fixtures/api-document.ts";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";
import { sendTo } from "../../fixtures/http-client.ts";

let app: FastifyInstance;
let api: ApiDocument;
let page: string;
const routes: string[] = [];
/** The routes that have a description. */
const described: string[] = [];

before(async () => {
  // The app registers some routes as it is built, so it is listened to from its first moment.
  const listen = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook("onRoute", ({ method, url, config }) => {
      for (const one of [method].flat()) {
        const route = `${one} ${url.replace(/:(\w+)/g, "{$1}")}`;
        routes.push(route);
        if (config?.operation) described.push(route);
      }
    });
  };
  subscribe("fastify.initialization", listen);
  app = buildApp({
    log: createLogger("gateway", "silent"),
    legacyErrors: false,
    stopping: new AbortController().signal,
    tracing: undefined,
    backend: () => assert.fail("describing asks nobody"),
  });
  unsubscribe("fastify.initialization", listen);
  const answer = await app.inject("/openapi.json");
  assert.match(String(answer.headers["content-type"]), /^application\/json/);
  api = new ApiDocument(answer.json());
  page = (await app.inject("/docs")).body;
});
after(() => app?.close());

/** Everything in the document that has a schema and examples of it. */
function* withExamples(): Generator<{ about: string; media: OpenAPIV3_1.MediaTypeObject }> {
  for (const [about, { requestBody, responses = {}, parameters = [] }] of api.operations) {
    const contents = [
      requestBody && api.resolve<OpenAPIV3_1.RequestBodyObject>(requestBody).content,
      ...Object.values(responses).map((answer) => api.resolve<OpenAPIV3_1.ResponseObject>(answer).content),
    ];
    for (const content of contents) {
      for (const media of Object.values(content ?? {})) yield { about, media };
    }
    for (const parameter of parameters) {
      yield {
        about,
        media: api.resolve<OpenAPIV3_1.ParameterObject>(parameter) as OpenAPIV3_1.MediaTypeObject,
      };
    }
  }
}

test("the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(api.document));
  assert.deepEqual(result, { valid: true });
  assert.equal(validator.version, "3.1");
});

test("every route is in the document and has a description, and nothing else is in it", () => {
  // Fastify answers HEAD where there is a GET.
  const isOwn = (route: string) => !route.startsWith("HEAD ");
  const own = routes.filter(isOwn).sort();
  assert.ok(own.length > 40);
  assert.deepEqual([...api.operations.keys()].sort(), own);
  assert.deepEqual(described.filter(isOwn).sort(), own);
});

test("every operation has a summary, a tag, an id of its own, and answers that are described", () => {
  const ids = new Set<unknown>();
  for (const [name, { summary, tags: own = [], operationId, responses = {} }] of api.operations) {
    assert.ok(summary, name);
    assert.equal(own.length, 1, name);
    assert.ok(
      tags.some((tag) => tag.name === own[0]),
      name,
    );
    ids.add(operationId);
    const succeeded = Object.keys(responses).filter((status) => status.startsWith("2"));
    assert.ok(succeeded.length > 0, name);
    for (const status of Object.keys(responses)) {
      assert.ok(api.answer(name, Number(status)).description, `${name}: ${status}`);
    }
  }
  assert.equal(ids.size, api.operations.size);
});

test("every example is what its schema says", () => {
  let count = 0;
  for (const { about, media } of withExamples()) {
    const { example, examples = {} } = media;
    const values = Object.values(examples).map((one) => ("value" in one ? one.value : undefined));
    for (const value of example === undefined ? values : [example, ...values]) {
      api.assertMatches(media, value, about);
      count++;
    }
  }
  assert.ok(count > 300, String(count));
});

test("a field of a body that the gateway refuses as unknown is refused by the document, too", async (t) => {
  const { send, close } = buildGatewayApp();
  t.after(close);
  let count = 0;
  for (const [name, { requestBody }] of api.operations) {
    if (!requestBody) continue;
    const [method = "", template = ""] = name.split(" ");
    const path = template.replace("{id}", "p1").replace(/\{\w+\}/, "x");
    const { content } = api.resolve<OpenAPIV3_1.RequestBodyObject>(requestBody);
    const media = content["application/json"] ?? {};
    for (const example of Object.values(media.examples ?? {})) {
      const body = { ...("value" in example && example.value), nosuch: 1 };
      assert.equal((await send(method, path, body)).status, 422, name);
      assert.throws(() => api.assertMatches(media, body, name), assert.AssertionError, name);
      count++;
    }
  }
  assert.ok(count > 10, String(count));
});

test("every answer of a gateway that has no room for another connection is in the document", async (t) => {
  const { listen, close } = buildGatewayApp({ limits: { ...defaultLimits, connections: 0 } });
  t.after(close);
  const send = sendTo(await listen());
  const statuses = new Set<number>();
  for (const name of api.operations.keys()) {
    const [method = "", template = ""] = name.split(" ");
    const { status, json } = await send(method, template.replaceAll(/\{\w+\}/g, "x"));
    statuses.add(status);
    const { content = {} } = api.answer(name, status);
    if (status === 503) api.assertMatches(content["application/problem+json"] ?? {}, json, name);
  }
  assert.deepEqual([...statuses].sort(), [200, 503]);
});

test("every parameter of a path is described, and every body has an example", () => {
  for (const [name, { parameters = [], requestBody }] of api.operations) {
    const described = parameters.map((parameter) => api.resolve<OpenAPIV3_1.ParameterObject>(parameter));
    for (const parameter of described) assert.ok(parameter.description, `${name}: ${parameter.name}`);
    const inPath = described
      .filter((parameter) => parameter.in === "path")
      .map((parameter) => parameter.name);
    assert.deepEqual(inPath.sort(), [...name.matchAll(/\{(\w+)\}/g)].map(([, one]) => one).sort(), name);
    if (!requestBody) continue;
    for (const { examples = {} } of Object.values(
      api.resolve<OpenAPIV3_1.RequestBodyObject>(requestBody).content,
    )) {
      assert.ok(Object.keys(examples).length > 0, name);
    }
  }
});

test("the page shows every operation and needs no other host", () => {
  for (const name of api.operations.keys()) assert.ok(page.includes(`<code>${name}</code>`), name);
  assert.doesNotMatch(page, /<script|<link|<img|\bsrc=|https?:|url\(|@import/);
  for (const [, anchor] of page.matchAll(/href="#([^"]+)"/g))
    assert.ok(page.includes(`id="${anchor}"`), anchor);
});
