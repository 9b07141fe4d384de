import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { clientVariables } from "../../../libs/config/client-variables.ts";
import { Environment } from "../../../libs/config/environment.ts";
import { settingNames } from "../../../libs/config/setting-names.ts";
import { logLevel } from "../../../libs/telemetry/logger.ts";
import { readSettings } from "../../../scripts/start/settings.ts";
import { checkEndpoints, gatewaySettings } from "../../../services/gateway/settings.ts";
import { simulatorSettings } from "../../../services/simulator/settings.ts";
import { workerSettings } from "../../../services/worker/settings.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const folder = temporaryFolder({ after });

/** The environment of these variables and a file with this text. */
async function environmentOf(yaml: string | Buffer, variables: Record<string, string> = {}) {
  const GATEWAY_CONFIG = join(folder, "gateway.yaml");
  await writeFile(GATEWAY_CONFIG, yaml);
  return Environment.read({ GATEWAY_CONFIG, ...variables });
}

const refusal = async (yaml: string | Buffer, variables?: Record<string, string>) => {
  const environment = await environmentOf(yaml, variables);
  try {
    gatewaySettings(environment);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`not refused: ${yaml}`);
};

test("the file holds the settings of every service, in capitals or not, and the environment wins over it", async () => {
  const yaml = `
# One file for all.
gateway_port: 8001
GATEWAY_LEGACY_ERRORS: true
nats_url: [a:1, "nats://b:2"]
lease_ms: 1e3
LOG_HISTORY: null
port: 0
`;
  const variables = { GATEWAY_HOST: "::1", LEASE_MS: "", CALL_TIMEOUT_MS: "5", GATEWAY_PORT: "8002" };
  const environment = await environmentOf(yaml, variables);
  const gateway = gatewaySettings(environment);
  assert.deepEqual([gateway.host, gateway.port, gateway.legacyErrors], ["::1", 8002, true]);
  assert.deepEqual(gateway.nats.servers, ["a:1", "nats://b:2"]);
  const worker = workerSettings(environment);
  assert.deepEqual([worker.leaseMs, worker.callTimeoutMs, worker.history.commands], [1_000, 5, 100_000]);
  assert.equal(simulatorSettings(environment).port, 0);
});

test("the processors of the file are declared as the file's, except those that the environment names", async () => {
  const yaml = `
processors:
  - {id: p1, name: Eye, grpc_endpoint: "a:1"}
  - id: p2
    grpc_endpoint: b:2
  - grpc_endpoint: "[::1]:3"
`;
  const { processors } = gatewaySettings(await environmentOf(yaml, { KATO_PROCESSORS: '{"p2": "c:3"}' }));
  assert.deepEqual(processors, [
    { id: "p2", grpc_endpoint: "c:3", source: "environment", setting: "KATO_PROCESSORS" },
    { id: "p1", name: "Eye", grpc_endpoint: "a:1", source: "file", setting: "GATEWAY_CONFIG processors[0]" },
    { grpc_endpoint: "[::1]:3", source: "file", setting: "GATEWAY_CONFIG processors[2]" },
  ]);
  for (const empty of ["", "# nothing\n", "processors:\n", "processors: []"])
    assert.deepEqual(gatewaySettings(await environmentOf(empty)).processors, []);
});

test("unknown keys are refused by name, at the top and within a processor", async () => {
  const yaml = `
gateway_prot: 1
KATO_PROCESSORS: x
__proto__: 1
processors: [{id: p1, grpc_endpoint: "a:1", endpoint: x}]
`;
  const message = await refusal(yaml);
  for (const key of ['"gateway_prot"', '"KATO_PROCESSORS"', '"__proto__"', '"endpoint"'])
    assert.ok(message.includes(`has the unknown key ${key}`), `${key}: ${message}`);
});

test("the file of KATO's own REST front end is refused with what to write instead", async () => {
  const yaml = `
port: 9000
log_level: INFO
timeout: 30
max_connections: 10
processors:
  - {id: p1, name: P1, grpc_endpoint: "127.0.0.1:1441", description: first}
`;
  const path = join(folder, "predecessor.yaml");
  await writeFile(path, yaml);
  const environment = await Environment.read({ GATEWAY_CONFIG: path }, "gateway");
  assert.throws(
    () => gatewaySettings(environment),
    ({ message }: Error) => {
      assert.match(message, /has the key "port": write gateway_port/);
      assert.match(message, /has the key "timeout": leave it out; .*Prefer: wait=30/);
      assert.match(message, /has the key "max_connections": leave it out/);
      assert.match(message, /processors\[0\] has the unknown key "description": leave it out/);
      assert.doesNotMatch(message, /log_level|\n/i);
      return true;
    },
  );
  const simulators = await Environment.read({ GATEWAY_CONFIG: path }, "simulator");
  assert.doesNotThrow(() => logLevel(simulators, "info"));
});

test("everything else that is wrong with the file is named in one message", async () => {
  for (const [yaml, expected] of [
    ["a: b: c", /GATEWAY_CONFIG is not YAML: .*line 1/],
    ["a: 1\n---\nb: 2", /GATEWAY_CONFIG is not YAML/],
    ["port: 1\nport: 2", /GATEWAY_CONFIG is not YAML/],
    ["port: 1\nPORT: 2", /GATEWAY_CONFIG has PORT twice/],
    ["port: !!binary x", /GATEWAY_CONFIG/],
    ["port: *unknown", /GATEWAY_CONFIG/],
    ["- port", /GATEWAY_CONFIG must hold keys and values/],
    ["just text", /GATEWAY_CONFIG must hold keys and values/],
    ["port: {a: 1}", /GATEWAY_CONFIG port must be a text/],
    ["gateway_port: high", /GATEWAY_PORT in GATEWAY_CONFIG must be a whole number/],
    ["processors: {p1: a}", /GATEWAY_CONFIG processors must be a list/],
    ["processors: [7]", /GATEWAY_CONFIG processors\[0\] must be/],
    ["processors: [{id: 7, grpc_endpoint: 'a:1'}]", /GATEWAY_CONFIG processors\[0\] must be/],
    ["processors: [{id: health, grpc_endpoint: 'a:1'}]", /GATEWAY_CONFIG processors\[0\] "health" is not/],
    ["processors: [{id: p1, grpc_endpoint: 'a'}]", /GATEWAY_CONFIG processors\[0\] "a" is not an endpoint/],
    [
      "processors: [{id: p1, grpc_endpoint: 'a:1'}, {id: p1, grpc_endpoint: 'a:2'}]",
      /processors\[1\] .*p1.*twice/,
    ],
  ] as const) {
    const message = await refusal(yaml);
    assert.match(message, expected);
    assert.doesNotMatch(message, /\n/);
  }
  const bomb = `a: &a [1,1,1,1,1,1,1,1,1]\n${"bcdefgh"
    .split("")
    .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${"abcdefg"[index]}`)}]`)
    .join("\n")}`;
  assert.match(await refusal(bomb), /GATEWAY_CONFIG/);
  for (const path of [join(folder, "nosuch.yaml"), folder]) {
    const environment = await Environment.read({ GATEWAY_CONFIG: path });
    assert.throws(() => workerSettings(environment), /GATEWAY_CONFIG cannot be read/);
  }
});

test("docs/operating.md has every setting in its table, and no other but those that the file cannot have", async () => {
  const operating = await readFile(resolve(import.meta.dirname, "../../../docs/operating.md"), "utf8");
  const [, table = ""] = /^## Settings$(.*?)^## /ms.exec(operating) ?? [];
  const firstCells = Array.from(table.matchAll(/^\|([^|]*)\|/gm), ([, cell = ""]) => cell);
  const documented = firstCells.flatMap((cell) => Array.from(cell.matchAll(/`(.+?)`/g), ([, name]) => name));
  const variablesOnly = ["GATEWAY_CONFIG", "KATO_PROCESSORS", "KATO_<NAME>", ...clientVariables];
  assert.deepEqual(documented.toSorted(), [...settingNames, ...variablesOnly].toSorted());
});

test("an endpoint that is not allowed is refused under the name of its setting, and an unknown host name is not", async () => {
  const yaml = 'endpoint_allow: [10.0.0.0/8]\nprocessors: [{id: p3, grpc_endpoint: "192.168.0.1:1"}]';
  const environment = await environmentOf(yaml, {
    KATO_P1: "169.254.169.254:80",
    KATO_P2: "p2:nosuch.invalid:1",
    KATO_P4: "p4:10.1.2.3:1",
  });
  const settings = gatewaySettings(environment);
  await assert.rejects(checkEndpoints(environment, settings), ({ message }: Error) => {
    assert.match(message, /KATO_P1 names an endpoint that is not allowed: "169.254.169.254"/);
    assert.match(
      message,
      /GATEWAY_CONFIG processors\[0\] names an endpoint that is not allowed: "192.168.0.1"/,
    );
    assert.doesNotMatch(message, /KATO_P[24]/);
    return true;
  });
});

test("processors that are neither a list nor an object are a wrong setting", () => {
  for (const KATO_PROCESSORS of ["{", "5", '[{"id": "p1"}]', "[null]", '{"p1": 5}']) {
    assert.throws(
      () => gatewaySettings(new Environment({ KATO_PROCESSORS })),
      /wrong settings: KATO_PROCESSORS /,
      KATO_PROCESSORS,
    );
  }
});

test("npm start uses the NATS of the file, and its processors where it has any", async () => {
  const start = async (yaml: string) => {
    const GATEWAY_CONFIG = join(folder, "gateway.yaml");
    await writeFile(GATEWAY_CONFIG, yaml);
    const { natsUrl, simulators, gatewayPort } = await readSettings({ GATEWAY_CONFIG });
    return { natsUrl, simulators, gatewayPort };
  };
  assert.deepEqual(await start("nats_url: a:1\ngateway_port: 8001\nprocessors: [{grpc_endpoint: 'a:1'}]"), {
    natsUrl: "a:1",
    simulators: false,
    gatewayPort: 8001,
  });
  assert.deepEqual(await start("processors: []"), {
    natsUrl: undefined,
    simulators: true,
    gatewayPort: 8000,
  });
});
