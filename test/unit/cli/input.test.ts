import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { beginIngest } from "../../../services/cli/input/begun-ingests.ts";
import type { CsvColumns } from "../../../services/cli/input/csv.ts";
import type { InputFormat } from "../../../services/cli/input/observations.ts";
import { openInput } from "../../../services/cli/input/observations.ts";
import { testIo } from "../../fixtures/cli.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

async function linesOf(text: string, format: InputFormat, columns: CsvColumns = {}): Promise<string[]> {
  let all = "";
  for await (const chunk of openInput(testIo({ input: text }), "-", format, columns).lines()) {
    all += Buffer.from(chunk).toString();
  }
  return all.split("\n").slice(0, -1);
}

test("of a CSV file each record is a line with its number in the file; quotes, commas and line breaks are kept", async () => {
  const text =
    'weather,wind,mood,id\r\nsunny,"a ""strong"", cold one",0.5,o1\n"two\nlines",,,\n,calm,much,o3\n';
  const columns = { strings: ["weather", "wind"], emotives: { joy: "mood" }, uniqueId: "id" };
  assert.deepEqual(
    (await linesOf(text, "csv", columns)).map((line) => (line === "" ? "" : JSON.parse(line))),
    [
      "",
      { strings: ["sunny", 'a "strong", cold one'], emotives: { joy: 0.5 }, unique_id: "o1" },
      { strings: ["two\nlines"] },
      // The gateway says what is wrong with it.
      { strings: ["calm"], emotives: { joy: "much" }, unique_id: "o3" },
    ],
  );
  const [, first] = await linesOf("a,x,y\ns,1,-2.5\n", "csv", { vector: ["x", "y"] });
  assert.deepEqual(JSON.parse(first ?? ""), { strings: ["s"], vectors: [[1, -2.5]] });
  await assert.rejects(linesOf("a,b\n1,2\n", "csv", { strings: ["c"] }), /no column "c": there are a, b/);
});

test("of a JSON document each observation of its list is a line, however it is written", async () => {
  const expected = ['{"strings":["a]","\\"{"]}', '{  "strings": []}', "5"];
  const list = '[{"strings":["a]","\\"{"]},\n{\n "strings": []} , 5]';
  assert.deepEqual(await linesOf(list, "json"), expected);
  assert.deepEqual(await linesOf(`{"observations": ${list}}`, "json"), expected);
  assert.deepEqual(await linesOf("[]", "json"), []);
  await assert.rejects(linesOf('{"other": []}', "json"), /neither a list of observations/);
  await assert.rejects(linesOf('[{"a": 1}', "json"), /ends too early/);
});

test("what is no text is refused before anything is sent", async () => {
  await assert.rejects(linesOf("\x00\x01", "ndjson"), { message: "standard input is no text", exitCode: 2 });
});

test("an ingestion that was begun goes on under its key; one that is done, or is to begin anew, gets another", (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "observations.ndjson");
  writeFileSync(file, '{"strings": ["a"]}\n');
  const begin = (more: object = {}) =>
    beginIngest(
      { variables: { XDG_STATE_HOME: folder } },
      { url: "http://gateway", processor: "p1", file, options: { learn: false }, restart: false, ...more },
    );
  const first = begin();
  assert.equal(first.begunAt, undefined);
  const again = begin();
  assert.deepEqual([again.key, typeof again.begunAt], [first.key, "string"]);
  assert.notEqual(begin({ processor: "p2" }).key, first.key);
  assert.throws(() => begin({ options: { learn: true } }), /changed since: --restart/);
  writeFileSync(file, '{"strings": ["a"]}\n{"strings": ["b"]}\n');
  assert.throws(() => begin(), {
    exitCode: 1,
    message: /not finished, and it, or how it is read, has changed/,
  });
  const anew = begin({ restart: true });
  assert.notEqual(anew.key, first.key);
  anew.end();
  assert.notEqual(begin().key, anew.key);
});
