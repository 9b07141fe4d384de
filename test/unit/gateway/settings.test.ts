import assert from "node:assert/strict";
import { test } from "node:test";
import { Environment, SettingsError } from "../../../libs/config/environment.ts";
import { processorsOfEnvironment } from "../../../libs/registry/declarations.ts";
import { logLevel } from "../../../libs/telemetry/logger.ts";
import { gatewaySettings } from "../../../services/gateway/settings.ts";
import { workerSettings } from "../../../services/worker/settings.ts";

const gateway = (variables: Record<string, string>) => gatewaySettings(new Environment(variables));
const worker = (variables: Record<string, string>) => workerSettings(new Environment(variables));
const said = (setting: string, grpc_endpoint: string, more: { id?: string; name?: string }) => ({
  ...more,
  grpc_endpoint,
  source: "environment",
  setting,
});

/** The entries that these variables name, and what is wrong with them. */
function processorsOf(variables: Record<string, string>) {
  const problems: string[] = [];
  const entries = processorsOfEnvironment(variables, (variable, what) =>
    problems.push(`${variable} ${what}`),
  );
  return { entries, problems };
}

test("without variables, and with empty ones, the defaults count", () => {
  const names = [
    "NATS_URL",
    "GATEWAY_HOST",
    "GATEWAY_PORT",
    "KATO_PROCESSORS",
    "GATEWAY_LEGACY_ERRORS",
    "WORKER_PORT",
  ];
  for (const variables of [{}, Object.fromEntries(names.map((name) => [name, ""]))]) {
    const { host, port, processors, legacyErrors, natsReplicas, logLimits } = gateway(variables);
    assert.deepEqual(
      { host, port, processors, legacyErrors, natsReplicas, logLimits },
      {
        host: "127.0.0.1",
        port: 8000,
        processors: [],
        legacyErrors: false,
        natsReplicas: 1,
        logLimits: { replicas: 1, maxBytes: -1, heldBytes: 4 * 1024 ** 3 },
      },
    );
    assert.equal(gateway(variables).nats.servers.length, 1);
    assert.match(String(gateway(variables).nats.servers[0]), /127\.0\.0\.1:4222$/);
    assert.equal(worker(variables).port, 9464);
    assert.equal(worker(variables).processors, "*");
  }
});

test("what is set counts", () => {
  const settings = gateway({
    GATEWAY_HOST: "::1",
    GATEWAY_PORT: "0",
    GATEWAY_LEGACY_ERRORS: "true",
    LOG_MAX_BYTES: "1000",
    NATS_URL: "nats://a:1, b:2",
  });
  assert.equal(settings.host, "::1");
  assert.equal(settings.port, 0);
  assert.equal(settings.legacyErrors, true);
  assert.deepEqual(settings.logLimits, { replicas: 1, maxBytes: 1000, heldBytes: -1 });
  assert.equal(settings.nats.servers.length, 2);
  assert.deepEqual(worker({ WORKER_PROCESSORS: "p1, p2,," }).processors, ["p1", "p2"]);
  assert.equal(worker({ WORKER_PROCESSORS: "p1,*" }).processors, "*");
});

test("what may wait is ten million commands of any age, unless it is set", () => {
  assert.deepEqual(gateway({}).queueLimits, { maxDepth: 10_000_000, maxAgeMs: -1 });
  const variables = { QUEUE_MAX_DEPTH: "1", QUEUE_MAX_AGE_MS: "0" };
  assert.deepEqual(gateway(variables).queueLimits, { maxDepth: 1, maxAgeMs: 0 });
  assert.throws(() => gateway({ QUEUE_MAX_DEPTH: "0" }), /QUEUE_MAX_DEPTH/);
  assert.throws(() => gateway({ QUEUE_MAX_AGE_MS: "-2" }), /QUEUE_MAX_AGE_MS/);
});

test("all that is wrong is named in one error", () => {
  const variables = {
    GATEWAY_PORT: "80 80",
    NATS_REPLICAS: "0",
    LOG_MAX_BYTES: "1e400",
    GATEWAY_LEGACY_ERRORS: "yes",
    KATO_PROCESSORS: "[",
    KATO_EYE: "kato api:1.2.3.4:5",
  };
  assert.throws(
    () => gateway(variables),
    (error) => {
      assert.ok(error instanceof SettingsError);
      for (const name of Object.keys(variables))
        assert.ok(error.message.includes(name), `${name}: ${error.message}`);
      return true;
    },
  );
});

test("numbers are whole ones within their range", () => {
  for (const port of ["-1", "65536", "1.5", "x", "NaN", "Infinity", "8000;"]) {
    assert.throws(() => worker({ WORKER_PORT: port }), /WORKER_PORT/, port);
  }
  assert.equal(worker({ WORKER_PORT: "65535" }).port, 65_535);
  assert.throws(() => worker({ CALL_TIMEOUT_MS: "0" }), /CALL_TIMEOUT_MS/);
});

test("processors are an object of endpoints, or a list with names", () => {
  assert.deepEqual(processorsOf({ KATO_PROCESSORS: '{"p1": "a:1", "p2": "b:2"}' }), {
    entries: [said("KATO_PROCESSORS", "a:1", { id: "p1" }), said("KATO_PROCESSORS", "b:2", { id: "p2" })],
    problems: [],
  });
  const list =
    '[{"id": "p1", "name": "P1", "grpc_endpoint": "a:1"}, {"id": "p2", "grpc_endpoint": "[::1]:2"}]';
  assert.deepEqual(processorsOf({ KATO_PROCESSORS: list }).entries, [
    said("KATO_PROCESSORS", "a:1", { id: "p1", name: "P1" }),
    said("KATO_PROCESSORS", "[::1]:2", { id: "p2" }),
  ]);
});

test("TLS with an instance is asked for in a list, by true", () => {
  const list = (grpc_tls: unknown) => JSON.stringify([{ id: "p1", grpc_endpoint: "a:1", grpc_tls }]);
  const [entry] = processorsOf({ KATO_PROCESSORS: list(true) }).entries;
  assert.equal(entry?.grpc_tls, true);
  const [plain] = processorsOf({ KATO_PROCESSORS: list(false) }).entries;
  assert.deepEqual(plain, said("KATO_PROCESSORS", "a:1", { id: "p1" }));
  assert.match(String(processorsOf({ KATO_PROCESSORS: list("yes") }).problems), /grpc_tls .*true nor false/);
});

test("a processor whose id is not named is to be asked for it", () => {
  const { entries, problems } = processorsOf({
    KATO_P1: "kato-p1:1441",
    KATO_IP6: "[::1]:1441",
    KATO_PROCESSORS: '[{"grpc_endpoint": "a:1"}, {"name": "Eye", "grpc_endpoint": "b:1"}]',
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(entries, [
    said("KATO_P1", "kato-p1:1441", { name: "P1" }),
    said("KATO_IP6", "[::1]:1441", { name: "IP6" }),
    said("KATO_PROCESSORS", "a:1", {}),
    said("KATO_PROCESSORS", "b:1", { name: "Eye" }),
  ]);
});

test("one variable names one processor; others of the prefix are left alone", () => {
  const { entries, problems } = processorsOf({
    KATO_LEFT_EYE: "eye-1:kato.example:1441",
    KATO_IP6: "ip6:[::1]:1441",
    KATO_P1_PORT: "tcp://10.0.0.1:1441",
    KATO_P1_PORT_1441_TCP_ADDR: "10.0.0.1",
    KATO_P1_SERVICE_PORT: "1441",
    KATO_TOKEN: "a:b:c",
    KATO_TIME: "12:30",
    KATO_URL: "http://kato:1441",
    KATO_P1_SERVICE_HOST: "10.0.0.1",
    KATO_P1_PORT_1441_TCP: "tcp://10.0.0.1:1441",
    KATO_P1_PORT_1441_TCP_PROTO: "tcp",
    kato_lower: "low:a:1",
    XKATO_P: "x:a:1",
    PATH: "/usr/bin:/bin",
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(entries, [
    said("KATO_LEFT_EYE", "kato.example:1441", { id: "eye-1", name: "LEFT_EYE" }),
    said("KATO_IP6", "[::1]:1441", { id: "ip6", name: "IP6" }),
  ]);
});

test("wrong processors are each told and left out", () => {
  const { entries, problems } = processorsOf({
    KATO_PROCESSORS:
      '[{"id": "p1", "grpc_endpoint": "a:1"}, {"id": "health", "grpc_endpoint": "a:2"}, 7, {"id": "p3"}, null]',
    KATO_AGAIN: "p1:b:1",
  });
  assert.deepEqual(
    entries.map(({ id }) => id),
    ["p1"],
  );
  assert.equal(problems.length, 5, problems.join("\n"));
  assert.deepEqual(
    problems.map((told) => /"health"|item \d|KATO_AGAIN .*p1.*twice/.exec(told)?.[0]).toSorted(),
    ['"health"', "KATO_AGAIN names p1, which is named twice", "item 3", "item 4", "item 5"],
  );
});

test("spans are recorded where OpenTelemetry's standard variables ask for it, and only there", () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };
  for (const variables of [
    {},
    { OTEL_SERVICE_NAME: "somebody" },
    { OTEL_TRACES_EXPORTER: "none", ...endpoint },
    { OTEL_SDK_DISABLED: "true", OTEL_TRACES_EXPORTER: "otlp", ...endpoint },
  ]) {
    assert.equal(gateway(variables).tracing, undefined);
    assert.equal(worker(variables).tracing, undefined);
  }
  for (const variables of [
    endpoint,
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector/v1/traces" },
    { OTEL_TRACES_EXPORTER: "otlp" },
    { OTEL_SDK_DISABLED: "false", ...endpoint },
  ]) {
    const { exporter, protocol, sampler } = worker(variables).tracing ?? {};
    assert.deepEqual(
      { exporter, protocol, sampler },
      {
        exporter: "otlp",
        protocol: "http/protobuf",
        sampler: "parentbased_always_on",
      },
    );
  }
  const set = gateway({
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.25",
    OTEL_BSP_SCHEDULE_DELAY: "100",
    OTEL_BSP_MAX_QUEUE_SIZE: "100",
  }).tracing;
  assert.equal(set?.protocol, "http/json");
  assert.deepEqual([set.sampler, set.ratio], ["traceidratio", 0.25]);
  assert.deepEqual([set.batch.scheduledDelayMillis, set.batch.maxExportBatchSize], [100, 100]);
});

test("what of them cannot be done stops the start", () => {
  for (const [name, value] of [
    ["OTEL_TRACES_EXPORTER", "zipkin"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
    ["OTEL_TRACES_SAMPLER", "jaeger_remote"],
    ["OTEL_TRACES_SAMPLER_ARG", "2"],
    ["OTEL_BSP_SCHEDULE_DELAY", "soon"],
  ] as const) {
    const variables = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:4318/v1/traces",
      [name]: value,
    };
    assert.throws(() => gateway(variables), { name: "SettingsError", message: new RegExp(name) });
  }
});

test("NATS_URL can hold a user and a password, or a token, that are kept apart from the servers", () => {
  const natsOf = (NATS_URL: string) => worker({ NATS_URL }).nats;
  assert.deepEqual(natsOf("nats://me:p%40ss%3A1@a:4222, b:4222,nats://me:p%40ss%3A1@c"), {
    servers: ["nats://a:4222", "b:4222", "nats://c"],
    credentials: { user: "me", pass: "p@ss:1" },
  });
  assert.deepEqual(natsOf("t0ken@a:4222"), { servers: ["a:4222"], credentials: { token: "t0ken" } });
  assert.deepEqual(natsOf("nats://a:1"), { servers: ["nats://a:1"], credentials: undefined });
});

test("a wrong NATS_URL is named without the password that it may hold", () => {
  for (const NATS_URL of [
    "nats://me:sec/ret@host:4222",
    "nats://me:sec,ret@host:4222",
    "nats://me:secret@host:nonsense",
    "me:secret@a,nats://me:secret2@b",
    "nats://me:sec%ret@host",
  ]) {
    assert.throws(
      () => worker({ NATS_URL }),
      ({ message }: Error) => /NATS_URL/.test(message) && !/sec|ret\b/.test(message),
      NATS_URL,
    );
  }
});

test("spaces and quotes around a setting are left out, as an env file for Docker keeps them", () => {
  const { entries, problems } = processorsOf({
    KATO_P1: '"p1:127.0.0.1:1441"',
    KATO_P2: "p2:127.0.0.1:1442 ",
    KATO_P5: " 'kato-p5:1441'\n",
    KATO_PROCESSORS: '\'{"p6": "a:1"}\'',
  });
  assert.deepEqual(problems, []);
  const endpoints = entries.map(({ grpc_endpoint }) => grpc_endpoint);
  assert.deepEqual(endpoints, ["127.0.0.1:1441", "127.0.0.1:1442", "kato-p5:1441", "a:1"]);
  const { port, nats } = gateway({ GATEWAY_PORT: '"8080"', NATS_URL: '" nats://n:4222 "' });
  assert.deepEqual([port, nats.servers], [8080, ["nats://n:4222"]]);
});

test("a variable that was perhaps meant to name a processor is told; those of linked services are not", () => {
  const doubtful = (variables: Record<string, string>) => gateway(variables).doubtful;
  const nearly = { KATO_P3: "http://127.0.0.1:1443", KATO_P4: "p4:127.0.0.1:144I", KATO_P5: "host:1:2:3" };
  assert.deepEqual(doubtful(nearly), ["KATO_P3", "KATO_P4", "KATO_P5"]);
  const links = {
    KATO_P1_PORT: "tcp://10.0.0.1:1441",
    KATO_P1_PORT_1441_TCP: "tcp://10.0.0.1:1441",
    KATO_P1_PORT_1441_TCP_ADDR: "fd00::1",
    KATO_P1_SERVICE_HOST: "fd00::1",
    KATO_P1_ENV_URL: "http://x:1",
    KATO_P1_SERVICE_PORT: "1441",
    KATO_P1: "p1:127.0.0.1:1441",
    // The command line's, which may run in the same container.
    KATO_URL: "http://127.0.0.1:8000",
    KATO_KEY: "kato_admin_secret",
  };
  assert.deepEqual(doubtful(links), []);
});

test("levels of the log are read in any case, and by the names that KATO has for them", () => {
  const level = (text: string) => {
    const environment = new Environment({ LOG_LEVEL: text });
    const read = logLevel(environment, "info");
    environment.check();
    return read;
  };
  const levels = ["INFO", "Warning", "CRITICAL", "debug", "", " error "].map(level);
  assert.deepEqual(levels, ["info", "warn", "fatal", "debug", "info", "error"]);
  assert.throws(() => level("loud"), /LOG_LEVEL must be one of fatal, error, warn/);
});

test("a host to listen on may be an IPv6 address in brackets, and is named where it is none", () => {
  assert.equal(gateway({ GATEWAY_HOST: "[::1]" }).host, "::1");
  assert.equal(gateway({ GATEWAY_HOST: "::", GATEWAY_AUTH: "none" }).host, "::");
  for (const host of ["127.0.0.1:8000", "http://127.0.0.1", "[::1]:8000", "a b"]) {
    assert.throws(() => gateway({ GATEWAY_HOST: host }), /GATEWAY_HOST must be a host's name/, host);
  }
});

test("a port that Kubernetes has set for a Service of that name is named as what it is", () => {
  assert.throws(
    () => gateway({ GATEWAY_PORT: "tcp://10.96.0.7:8000" }),
    /GATEWAY_PORT is "tcp:.*", which Kubernetes sets for a Service called "gateway"; .*enableServiceLinks: false/,
  );
});
