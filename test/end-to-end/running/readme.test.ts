import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../../..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** What `npm start` listens on unless told otherwise. */
const shownUrl = "http://127.0.0.1:8000";
const skip = spawnSync("curl", ["--version"]).error ? "there is no curl on this machine" : false;

/** A code block of the README. */
interface Block {
  language: string;
  lines: string[];
  /** Whether nothing but space is between it and the one before. */
  follows: boolean;
}

function blocksOf(text: string): Block[] {
  let end = -1;
  return [...text.matchAll(/^```(\w*)\n(.*?)\n```$/gms)].map((found) => {
    const [whole, language = "", content = ""] = found;
    const follows = end >= 0 && text.slice(end, found.index).trim() === "";
    end = found.index + whole.length;
    return { language, lines: content.split("\n"), follows };
  });
}

const blocks = blocksOf(readme);
/** The commands that are no part of a block. */
const inline = [...readme.matchAll(/`(curl [^`]+)`/g)].map(([, command = ""]) => command);
const withoutTime = ({ time_stamp, ...rest }: Record<string, unknown>) => {
  assert.equal(typeof time_stamp, "number");
  return rest;
};

let system: SystemHere;
const dir = temporaryFolder({ after });
before(async () => {
  system = await startSystemHere({ processors: [{ id: "p46b6b076c", name: "P1" }] });
});
after(() => system?.stop());

/** Runs commands as a reader's shell would, but for the gateway's address; gives what they print. */
async function shell(commands: string[]): Promise<string> {
  const script = commands.join("\n").replaceAll(shownUrl, system.gateway.url);
  const bin = join(root, "bin");
  // What the command line remembers stays in this folder.
  const own = {
    KATO_URL: system.gateway.url,
    KATO_KEY: "",
    HOME: dir,
    XDG_CONFIG_HOME: dir,
    XDG_STATE_HOME: dir,
  };
  const env = { ...process.env, ...own, PATH: `${bin}:${process.env.PATH}` };
  const { stdout } = await run("sh", ["-eu", "-c", script], { cwd: dir, timeout: 60_000, env });
  return stdout;
}

test("the README's tour answers as it shows", { skip }, async () => {
  const assignments: string[] = [];
  let output = "";
  let ingestion = "";
  let shown = 0;
  const tour = blocks.filter(({ lines }) => !lines.some((line) => line.startsWith("npm ")));
  for (const { language, lines, follows } of tour) {
    if (language === "json" && follows) {
      assert.deepEqual(withoutTime(JSON.parse(output)), withoutTime(JSON.parse(lines.join(""))));
      shown++;
    }
    for (const line of language === "sh" ? lines : []) {
      if (/^\w+=/.test(line)) {
        assignments.push(line);
        continue;
      }
      // The reader puts it in, as the comment beside it says.
      output = await shell([...assignments, line.replaceAll("INGESTION", ingestion)]);
      assert.doesNotMatch(output, /urn:kato:problem/, line);
      ingestion = /"ingestion":"([^"]+)"/.exec(output)?.[1] ?? ingestion;
    }
  }
  assert.equal(shown, 2);
  // The last command watches the file of observations being applied.
  assert.match(output, /"state":"done",.*"accepted":2000,"applied":2000,"failed":0/);
});

test("the README's commands beside the tour work", { skip }, async () => {
  assert.equal(inline.length, 1);
  for (const command of inline) {
    const here = command.replace("kato-p1:1441", `127.0.0.1:${system.simulator.port}`);
    const output = await shell([`HOST=${shownUrl}`, here]);
    assert.equal(JSON.parse(output).source, "rest", output);
  }
});

test("the README's problem is the one that is answered", async () => {
  const shown = blocks.flatMap(({ lines }) => lines).find((line) => line.includes("urn:kato:problem"));
  const { status, text } = await system.request("POST", "/p46b6b076c/observe", { strings: ["a", 5] });
  assert.equal(status, 422);
  const [start = "", end = ""] = shown?.split("…") ?? [];
  assert.ok(start && text.startsWith(start), text);
  const { errors, effect } = JSON.parse(`{${end.replace(/^,/, "")}`);
  assert.deepEqual({ errors, effect }, { errors: JSON.parse(text).errors, effect: JSON.parse(text).effect });
});

test("the README's npm commands are there", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const named = [...readme.matchAll(/\bnpm (?:run )?([a-z:]+)/g)].map(([, name = ""]) => name);
  const commands = new Set(named.filter((name) => name !== "and"));
  assert.deepEqual([...commands].sort(), Object.keys(scripts).sort());
  for (const name of commands) {
    // Behind scripts/run, and the options of Node that it is given.
    const [, file = ""] = /^exec scripts\/run (?:-\S+ )*(\S+)/.exec(scripts[name]) ?? [];
    const other = /^npm (\w+)$/.exec(scripts[name])?.[1];
    assert.ok(other ? other in scripts : existsSync(join(root, file)), `npm run ${name}: ${scripts[name]}`);
  }
});
