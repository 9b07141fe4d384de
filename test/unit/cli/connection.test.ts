import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";
import { KatoError } from "../../../libs/client/kato-error.ts";
import { connectionOf } from "../../../services/cli/connection/connect.ts";
import { failureOf } from "../../../services/cli/connection/failure.ts";
import { commandNames } from "../../../services/cli/program.ts";
import { exitCodes } from "../../../services/cli/terminal/cli-error.ts";
import { kato } from "../../fixtures/cli.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

test("contexts are added, used, listed and forgotten, and a key stands in a file of its own with mode 600", async (t) => {
  const variables = { XDG_CONFIG_HOME: temporaryFolder(t) };
  const keyFile = join(variables.XDG_CONFIG_HOME, "key");
  writeFileSync(keyFile, "kato_a_b\n", { mode: 0o644 });
  const add = (name: string, ...more: string[]) =>
    kato(["context", "add", name, "--url", `http://${name}.example`, ...more], { variables });
  await add("one", "--key-file", keyFile);
  await add("two");
  assert.equal(statSync(join(variables.XDG_CONFIG_HOME, "kato/keys/one")).mode & 0o777, 0o600);
  assert.equal(connectionOf({ variables }, {}).url, "http://two.example");
  await kato(["context", "use", "one"], { variables });
  assert.deepEqual(connectionOf({ variables }, {}), { url: "http://one.example", key: "kato_a_b" });
  const { out } = await kato(["context", "ls"], { variables });
  assert.equal(
    out,
    "   NAME  KEY  URL\n*  one   yes  http://one.example\n   two   no   http://two.example\n",
  );
  await kato(["context", "rm", "one"], { variables });
  assert.equal((await kato(["context", "use", "one"], { variables })).code, 2);
  const bad = await kato(["context", "add", "../x", "--url", "http://x"], { variables });
  assert.deepEqual(
    [bad.code, bad.err],
    [2, 'kato: a context\'s name has 1 to 64 of A-Z a-z 0-9 _ . -, not "../x"\n'],
  );
});

test("a flag counts before the environment, and that before the context; its key is shown to no other gateway", async (t) => {
  const config = { XDG_CONFIG_HOME: temporaryFolder(t) };
  await kato(["context", "add", "one", "--url", "http://one.example"], {
    variables: { ...config, KATO_KEY: "kato_of_one" },
  });
  const variables = { ...config, KATO_URL: "http://environment.example" };
  assert.deepEqual(connectionOf({ variables: config }, {}), {
    url: "http://one.example",
    key: "kato_of_one",
  });
  assert.deepEqual(connectionOf({ variables }, {}), { url: "http://environment.example", key: undefined });
  const keyed = { ...variables, KATO_KEY: "kato_x" };
  assert.deepEqual(connectionOf({ variables: keyed }, { url: "http://flag.example" }), {
    url: "http://flag.example",
    key: "kato_x",
  });
  assert.equal(
    connectionOf({ variables: { HOME: config.XDG_CONFIG_HOME } }, {}).url,
    "http://127.0.0.1:8000",
  );
});

test("each failure has one sentence that says what to do next, and the exit code of its kind", () => {
  const problem = (code: string, status: number, more: ConstructorParameters<typeof KatoError>[1] = {}) =>
    failureOf(new KatoError(code, { status, detail: "It failed.", effect: "none", ...more }));
  assert.deepEqual(problem("PROCESSOR_NOT_FOUND", 404), {
    exitCode: 1,
    sentence: "It failed: kato processors lists those that there are",
  });
  assert.deepEqual(problem("STILL_QUEUED", 409, { retryable: true }).exitCode, 1);
  assert.deepEqual(problem("INVALID_INPUT", 422), { exitCode: 1, sentence: "It failed" });
  assert.equal(problem("UNAUTHENTICATED", 401).exitCode, 5);
  assert.equal(problem("FORBIDDEN", 403).exitCode, 5);
  assert.equal(problem("NATS_UNAVAILABLE", 503, { retryable: true }).exitCode, 3);
  assert.equal(problem("NATS_UNAVAILABLE", 503, { retryable: true, effect: "unknown" }).exitCode, 4);
  assert.equal(problem("UNREACHABLE", 0, { retryable: true }).exitCode, 3);
  assert.deepEqual(
    problem("EFFECT_UNKNOWN", 504, { effect: "unknown", problem: { processor: "p1", command: "c7" } }),
    { exitCode: 4, sentence: "It failed: kato command p1 c7 tells what became of it" },
  );
  assert.deepEqual(problem("QUEUE_FULL", 429, { retryable: true, retryAfterSeconds: 7 }), {
    exitCode: 3,
    sentence: "It failed: try again in 7 s",
  });
});

test("a wrong command line is a sentence with the word that was meant, and the exit code 2", async () => {
  for (const [args, expected] of [
    [["processor"], /unknown command 'processor'\n\(Did you mean processors\?\)/],
    [["processors", "paus", "p1"], /unknown command 'paus' \(did you mean pause\?\)/],
    [["observe", "p1", "--emotve", "joy=1"], /unknown option '--emotve'\n\(Did you mean --emotive\?\)/],
    [["observe", "p1", "--emotive", "joy"], /It has to be name=value/],
    [["predict", "p1", "--figures", "potental"], /There is no figure potental/],
    [["learn"], /missing required argument 'processor'/],
    [["processors", "--output", "yaml"], /Allowed choices are table, json, jsonl/],
    [["processors", "--url", "ftp://x"], /has to be as http/],
    [["ingest", "p1", "/nosuch.ndjson"], /nosuch.ndjson cannot be read \(there is no such file\)/],
    [["processors", "--key-file", "/nosuch"], /nosuch cannot be read \(there is no such file\)/],
  ] as const) {
    const { code, out, err } = await kato(args);
    assert.deepEqual([code, out], [2, ""], args.join(" "));
    assert.match(err, expected);
    assert.match(err, /^kato: /);
  }
});

test("help goes to standard output, and names every command", async () => {
  const { code, out, err } = await kato([]);
  assert.deepEqual([code, err], [0, ""]);
  for (const name of ["processors", "observe", "ingest", "keys", "doctor"])
    assert.match(out, new RegExp(`^ +${name} `, "m"));
  assert.match((await kato(["help", "observe"])).out, /\$ kato observe p46b6b076c b a/);
});

test("docs/cli.md has every command, and every exit code", async () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../../docs/cli.md"), "utf8");
  const [, table = ""] = /^\| command \|.*\n\| --- .*\n((?:\|.*\n)+)/m.exec(text) ?? [];
  const documented = Array.from(table.matchAll(/^\| `([\w-]+)`/gm), ([, name]) => name);
  assert.deepEqual(documented.toSorted(), commandNames.toSorted());
  const codes = Array.from(text.matchAll(/^\| (\d+) \|/gm), ([, code]) => Number(code));
  assert.deepEqual(codes, [...Object.values(exitCodes), 130]);
});
