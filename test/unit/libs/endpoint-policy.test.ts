import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { KatoChannel } from "../../../libs/kato/channel.ts";
import { readEndpointAllow } from "../../../libs/registry/endpoint-allow.ts";
import type { EndpointPolicyOptions } from "../../../libs/registry/endpoint-policy.ts";
import { endpointPolicy } from "../../../libs/registry/endpoint-policy.ts";
import type { Source } from "../../../libs/registry/processor-entry.ts";
import { isSameEndpoint } from "../../../libs/registry/processor-entry.ts";
import { startGrpcServer } from "../../fixtures/grpc-server.ts";

/** What the names of these tests lead to. */
const zone: Record<string, string[]> = {
  "kato.example": ["10.0.0.1"],
  "deep.kato.example": ["10.0.0.2"],
  "metadata.example": ["169.254.169.254"],
  "both.example": ["10.0.0.3", "fe80::1"],
  "half.example": ["10.0.0.4", "192.168.0.1"],
  localhost: ["::1", "127.0.0.1"],
  "nats.example": ["10.0.0.9"],
};

function policyOf(allow: string[], options: Partial<EndpointPolicyOptions> = {}) {
  const problems: string[] = [];
  const policy = endpointPolicy({
    allow: readEndpointAllow(allow, (what) => problems.push(what)),
    restWithoutAllow: "loopback",
    ownServers: [],
    resolve: async (host) => zone[host] ?? [],
    ...options,
  });
  const refusalOf = async (endpoint: string, source: Source) => {
    const location = await policy(endpoint, source);
    return "refusal" in location ? location.refusal : undefined;
  };
  return { policy, refusalOf, problems };
}

/** Asserts which of these endpoints are refused by this list. */
async function assertRefused(
  allow: string[],
  refused: string[],
  allowed: string[],
  source: Source = "environment",
  options: Partial<EndpointPolicyOptions> = {},
) {
  const { refusalOf, problems } = policyOf(allow, options);
  assert.deepEqual(problems, []);
  for (const endpoint of refused)
    assert.equal(typeof (await refusalOf(endpoint, source)), "string", `${endpoint} is allowed by ${allow}`);
  for (const endpoint of allowed)
    assert.equal(await refusalOf(endpoint, source), undefined, `${endpoint} is refused by ${allow}`);
}

/** Link-local addresses, and those at which clouds serve credentials. */
const unsafe = [
  "169.254.0.1:1",
  "169.254.169.254:80",
  "169.254.170.2:80",
  "100.100.100.200:80",
  "168.63.129.16:80",
  "192.0.0.192:80",
  "[fe80::1]:1",
  "[febf::1]:1",
  "[FD00:EC2::254]:80",
  "[fd00:ec2:0:0:0:0:0:254]:80",
  "[fd00:ec2::23]:80",
  "[fd20:ce::254]:80",
  "[fd00:c1::a9fe:a9fe]:80",
  "[fd00:42::42]:80",
  "[::ffff:169.254.169.254]:80",
  "[::ffff:a9fe:a9fe]:80",
  "[::169.254.169.254]:80",
  "[64:ff9b::169.254.169.254]:80",
  "[64:ff9b::6464:64c8]:80",
  "[64:ff9b:1::a9fe:a9fe]:80",
  "[64:ff9b:1:a9fe:a9:fe00::]:80",
  "[64:ff9b:1:0:a9:fea9:fe00:0]:80",
  "[2002:a9fe:a9fe::1]:80",
  "metadata.example:80",
  "METADATA.example.:80",
  "both.example:1",
];

test("without a list settings may name everything except link-local and metadata addresses, however they are written", async () => {
  await assertRefused(
    [],
    [...unsafe, "not an endpoint"],
    [
      "10.0.0.1:1",
      "127.0.0.1:1",
      "0.0.0.0:1",
      "[::]:1",
      "[::1]:1",
      "[fec0::1]:1",
      "[2002:a00:1::1]:1",
      "kato.example:1",
      "nosuch.example:1",
      "169.253.0.1:1",
    ],
  );
});

test("without a list REST may name loopback addresses, or nothing", async () => {
  const local = [
    "127.0.0.1:1",
    "127.9.9.9:1",
    "[::1]:1",
    "localhost:1",
    "0.0.0.0:1",
    "0.1.2.3:1",
    "[::]:1",
    "[::ffff:127.0.0.1]:1",
    "[::127.0.0.1]:1",
  ];
  const others = [
    "10.0.0.1:1",
    "128.0.0.1:1",
    "[fec0::1]:1",
    // Loopback only behind a gateway that translates.
    "[64:ff9b::127.0.0.1]:1",
    "[2002:7f00:1::1]:1",
    "kato.example:1",
    "nosuch.example:1",
  ];
  await assertRefused([], [...unsafe, ...others], local, "rest");
  await assertRefused([], [...unsafe, ...others, ...local], [], "rest", { restWithoutAllow: "nothing" });
  const { refusalOf } = policyOf([]);
  assert.match((await refusalOf("10.0.0.1:1", "rest")) ?? "", /set it for gateways and workers/);
});

test("with a list REST may name what settings may", async () => {
  for (const source of ["rest", "environment"] as const) {
    await assertRefused(
      ["10.0.0.0/24", "kato.example"],
      ["127.0.0.1:1", "[::1]:1", "localhost:1", "half.example:1"],
      ["10.0.0.1:1", "kato.example:1", "nosuch.example:1"],
      source,
      { restWithoutAllow: "nothing" },
    );
  }
});

test("names and suffixes in the list allow hosts by name", async () => {
  await assertRefused(
    ["Kato.example.", "*.kato.example"],
    ["10.0.0.1:1", "[::1]:1", "evilkato.example:1", "kato.example.evil:1", "nosuch.example:1"],
    ["kato.example:1", "KATO.EXAMPLE.:1", "deep.kato.example:2", "unresolved.kato.example:1"],
  );
  await assertRefused(["*.kato.example"], ["kato.example:1", "akato.example:1"], ["a.kato.example:1"]);
});

test("addresses and networks in the list allow a name only if all its addresses are among them", async () => {
  await assertRefused(
    ["10.0.0.0/24", "::1", "[fd00::]/8", "1.2.3.4/32"],
    ["10.0.1.1:1", "[::2]:1", "half.example:1", "1.2.3.5:1", "metadata.example:1", "0.0.0.0:1"],
    ["10.0.0.9:1", "[::1]:1", "[::]:1", "[fd00::9]:1", "kato.example:1", "1.2.3.4:1"],
  );
  // Where it leads is not known here, and may be where the worker is.
  await assertRefused(["10.0.0.0/24"], [], ["nosuch.example:1"]);
});

test("an IPv4 address in an IPv6 one is in the list where it is itself, and is not let through by a network around it", async () => {
  const inside = (address: string) => [
    `[::ffff:${address}]:1`,
    `[::${address}]:1`,
    `[64:ff9b::${address}]:1`,
  ];
  await assertRefused(
    ["10.0.0.0/24", "0.0.0.0"],
    [...inside("10.0.1.9"), "[2002:a00:109::1]:1", "[64:ff9b:1::a00:9]:1", "[64:ff9b:2::a00:9]:1"],
    [...inside("10.0.0.9"), "[2002:a00:9::1]:1", "127.0.0.1:1", "0.0.0.0:1"],
  );
  await assertRefused(["::ffff:10.0.0.9"], ["10.0.0.8:1"], ["10.0.0.9:1"]);
  await assertRefused(["64:ff9b:1::/48"], ["[64:ff9b:1::a9fe:a9fe]:1"], ["[64:ff9b:1::a00:9]:1"]);
});

test("a link-local or metadata address is allowed by an address or a network, not by a name that resolves to it", async () => {
  await assertRefused(["metadata.example"], ["metadata.example:80"], []);
  await assertRefused(
    ["169.254.169.254"],
    ["169.254.169.253:80"],
    ["169.254.169.254:80", "metadata.example:80", "[::ffff:169.254.169.254]:80"],
  );
  await assertRefused(
    ["fe80::/10", "kato.example"],
    ["[fd00:ec2::254]:1"],
    ["[fe80::1]:1", "kato.example:1"],
  );
});

test("REST may name neither the gateway nor NATS, whichever of this machine's addresses it takes", async () => {
  const ownServers = [
    { host: "0.0.0.0", port: 8000 },
    { host: "nats.example", port: 4222 },
  ];
  const found = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === "IPv4" && !each.internal);
  const mine = found ? [`${found.address}:8000`] : [];
  const refused = [
    ...mine,
    "127.0.0.1:8000",
    "127.0.0.2:8000",
    "[::]:8000",
    "[::ffff:127.0.0.1]:8000",
    "localhost:8000",
    "nats.example:4222",
    "10.0.0.9:4222",
    "127.0.0.1:4222",
  ];
  const allowed = ["127.0.0.1:8001", "10.0.0.9:8000", "10.0.0.8:4222"];
  const everything = ["0.0.0.0/0", "::/0"];
  await assertRefused(everything, refused, allowed, "rest", { ownServers });
  await assertRefused(everything, [], [...refused, ...allowed], "environment", { ownServers });
});

test("the refusal does not tell which addresses a name has", async () => {
  const refusals = await Promise.all(
    [policyOf([]), policyOf(["11.0.0.0/8"])].map(({ refusalOf }) => refusalOf("metadata.example:80", "file")),
  );
  for (const refusal of refusals) {
    assert.match(refusal ?? "", /metadata\.example/);
    assert.doesNotMatch(refusal ?? "", /169/);
  }
});

test("an item that is neither a host, a suffix, an address nor a network is named", () => {
  const wrong = [
    "*",
    "*.",
    "a*.example",
    "10.0.0.0/33",
    "::/129",
    "10.0.0/8",
    "a b",
    "http://a",
    "kato:1441",
    "1.2.3",
  ];
  const { problems } = policyOf([...wrong, "right.example"]);
  assert.equal(problems.length, wrong.length, problems.join("\n"));
  wrong.forEach((item, index) => {
    assert.ok(problems[index]?.includes(`"${item}"`));
  });
});

test("an endpoint that the settings have named is another one once it comes over REST", () => {
  const entry = { id: "p1", name: "p1", grpc_endpoint: "kato.example:1", source: "environment" } as const;
  assert.equal(isSameEndpoint(entry, { ...entry, name: "other", source: "file" }), true);
  for (const source of ["rest", "docker", "kubernetes"] as const) {
    assert.equal(isSameEndpoint(entry, { ...entry, source }), false, source);
  }
  assert.equal(isSameEndpoint(entry, { ...entry, grpc_endpoint: "kato.example:2" }), false);
  assert.equal(isSameEndpoint(entry, undefined), false);
});

test("a connection is made to the address that was checked, whatever the name leads to afterwards", async (t) => {
  const server = await startGrpcServer({ Ping: ({ request }, callback) => callback(null, request) });
  t.after(() => server.stop());
  const answers = [["127.0.0.1"], ["127.0.0.1"], ["169.254.169.254"]];
  let asked = 0;
  const { policy } = policyOf(["fickle.example"], { resolve: async () => answers[asked++] ?? [] });
  const channel = new KatoChannel(`fickle.example:${server.port}`, (endpoint) => policy(endpoint, "rest"));
  t.after(() => channel.close());
  for (const expected of answers.slice(0, 2)) {
    assert.equal(await channel.connect(5_000), true, String(expected));
    assert.equal((await channel.call("Ping", new Uint8Array(), 5_000)).kind, "response");
  }
  assert.equal(await channel.connect(5_000), false);
  assert.match(channel.refusal ?? "", /link-local or metadata/);
  assert.deepEqual([asked, channel.connections], [3, 1], "it is asked once for each connect");
});

test("names are resolved by this machine's resolver", async () => {
  const resolved = async (allow: string[], endpoint: string) => {
    const options = { restWithoutAllow: "nothing", ownServers: [] } as const;
    return endpointPolicy({ allow: readEndpointAllow(allow, () => {}), ...options })(endpoint, "rest");
  };
  const local = await resolved(["127.0.0.0/8", "::1"], "localhost:1");
  assert.ok("addresses" in local && local.addresses.length > 0, JSON.stringify(local));
  assert.ok("refusal" in (await resolved(["10.0.0.0/8"], "localhost:1")));
  assert.deepEqual(await resolved(["127.0.0.0/8"], "nosuch.invalid:1"), { addresses: [] });
});
