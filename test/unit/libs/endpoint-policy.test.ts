import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointPolicy } from "../../../libs/registry/endpoint-policy.ts";

/** What the names of these tests lead to. */
const zone: Record<string, string[]> = {
  "kato.example": ["10.0.0.1"],
  "deep.kato.example": ["10.0.0.2"],
  "metadata.example": ["169.254.169.254"],
  "both.example": ["10.0.0.3", "fe80::1"],
  "half.example": ["10.0.0.4", "192.168.0.1"],
};

function policyOf(...allow: string[]) {
  const problems: string[] = [];
  const policy = endpointPolicy(
    allow,
    (what) => problems.push(what),
    async (host) => zone[host] ?? [],
  );
  return { policy, problems };
}

/** Asserts which of these endpoints are refused by this list. */
async function assertRefused(allow: string[], refused: string[], allowed: string[]) {
  const { policy, problems } = policyOf(...allow);
  assert.deepEqual(problems, []);
  for (const endpoint of refused)
    assert.equal(typeof (await policy(endpoint)), "string", `${endpoint} is allowed by ${allow}`);
  for (const endpoint of allowed)
    assert.equal(await policy(endpoint), undefined, `${endpoint} is refused by ${allow}`);
}

test("without a list everything is allowed except link-local and metadata addresses, however they are written", async () => {
  await assertRefused(
    [],
    [
      "169.254.0.1:1",
      "169.254.169.254:80",
      "[fe80::1]:1",
      "[febf::1]:1",
      "[FD00:EC2::254]:80",
      "[fd00:ec2:0:0:0:0:0:254]:80",
      "[::ffff:169.254.169.254]:80",
      "[::ffff:a9fe:a9fe]:80",
      "metadata.example:80",
      "METADATA.example.:80",
      "both.example:1",
      "not an endpoint",
    ],
    [
      "10.0.0.1:1",
      "127.0.0.1:1",
      "[::1]:1",
      "[fec0::1]:1",
      "kato.example:1",
      "nosuch.example:1",
      "169.253.0.1:1",
    ],
  );
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
    ["10.0.1.1:1", "[::2]:1", "half.example:1", "1.2.3.5:1", "metadata.example:1"],
    ["10.0.0.9:1", "[::ffff:10.0.0.9]:1", "[::1]:1", "[fd00::9]:1", "kato.example:1", "1.2.3.4:1"],
  );
  // Where it leads is not known here, and may be where the worker is.
  await assertRefused(["10.0.0.0/24"], [], ["nosuch.example:1"]);
});

test("a link-local or metadata address is allowed by an address or a network, not by a name that resolves to it", async () => {
  await assertRefused(["metadata.example"], ["metadata.example:80"], []);
  await assertRefused(
    ["169.254.169.254"],
    ["169.254.169.253:80"],
    ["169.254.169.254:80", "metadata.example:80"],
  );
  await assertRefused(
    ["fe80::/10", "kato.example"],
    ["[fd00:ec2::254]:1"],
    ["[fe80::1]:1", "kato.example:1"],
  );
});

test("the refusal does not tell which addresses a name has", async () => {
  const refusals = await Promise.all(
    [policyOf(), policyOf("11.0.0.0/8")].map(({ policy }) => policy("metadata.example:80")),
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
  const { problems } = policyOf(...wrong, "right.example");
  assert.equal(problems.length, wrong.length, problems.join("\n"));
  wrong.forEach((item, index) => {
    assert.ok(problems[index]?.includes(`"${item}"`));
  });
});

test("names are resolved by this machine's resolver", async () => {
  const policy = endpointPolicy(["127.0.0.0/8", "::1"], () => {});
  assert.equal(await policy("localhost:1"), undefined);
  assert.equal(typeof (await endpointPolicy(["10.0.0.0/8"], () => {})("localhost:1")), "string");
  assert.equal(await policy("nosuch.invalid:1"), undefined);
});
