import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { consoleAssets } from "../../../services/gateway/routes/console/assets.ts";
import { bundle } from "../../../services/gateway/routes/console/bundle.ts";
import type { GatewayApp } from "../../fixtures/gateway-app.ts";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";

let gateway: GatewayApp;
before(() => {
  gateway = buildGatewayApp();
});
after(() => gateway?.close());

test("the whole console is less than 60 KB compressed", async () => {
  const assets = await consoleAssets();
  const bytes = [...assets.values()].reduce((sum, { gzip }) => sum + gzip.length, 0);
  assert.ok(bytes < 60_000, `it is ${bytes}`);
});

test("the page and all that it loads are there, and nothing of it is elsewhere or inline", async () => {
  const { text } = await gateway.send("GET", "/console");
  const links = Array.from(text.matchAll(/(?:href|src)="([^"]+)"/g), ([, link = ""]) => link);
  const files = links.filter((link) => link.startsWith("console/"));
  assert.ok(files.includes("console/main.js") && files.length < 10, "few requests make the first view quick");
  assert.doesNotMatch(text, /https?:|<style|<script(?! type="module" src=)| on\w+=/);
  for (const file of files) {
    const { status, text: source } = await gateway.send("GET", `/${file}`);
    assert.equal(status, 200, file);
    const imports = Array.from(
      source.matchAll(/^import\b[^;"]*?from\s*"([^"]+)"/gm),
      ([, name = ""]) => name,
    );
    for (const name of imports) assert.ok(files.includes(name.replace("./", "console/")), `${file}: ${name}`);
  }
});

test("a file is sent packed to whoever takes that, and not again to whoever has it", async () => {
  const { headers, text } = await gateway.send("GET", "/console/main.js");
  const packed = await gateway.app.inject({
    url: "/console/main.js",
    headers: { "accept-encoding": "gzip, br" },
  });
  assert.equal(packed.headers["content-encoding"], "gzip");
  assert.equal(gunzipSync(packed.rawPayload).toString(), text);
  for (const tag of [headers.etag, `W/${headers.etag}`]) {
    const again = await gateway.send("GET", "/console/main.js", undefined, { "if-none-match": String(tag) });
    assert.deepEqual([again.status, again.text], [304, ""]);
  }
});

test("the browser is told to run and load nothing but the console's own files", async () => {
  const { headers } = await gateway.send("GET", "/console?from=elsewhere");
  const policy = String(headers["content-security-policy"]);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  for (const rule of ["default-src 'none'", "script-src 'self'", "trusted-types 'none'"]) {
    assert.ok(policy.split("; ").includes(rule), rule);
  }
});

test("modules become one, each once and after those that it imports, and what is not understood is refused", async () => {
  const join = (files: Record<string, string>) => bundle(new Map(Object.entries(files)), "/main.ts", {});
  const text = join({
    "/main.ts":
      'import { twice as double } from "./a/twice.ts";\nimport { one } from "./one.ts";\nglobalThis.bundled.push(double(one));',
    "/a/twice.ts": 'import {\n  one,\n} from "../one.ts";\nexport const twice = (value) => value + one;',
    "/one.ts": 'globalThis.bundled = ["begun"];\nexport const one = 1;\nexport function unused() {}',
  });
  await import(`data:text/javascript,${encodeURIComponent(text)}`);
  assert.deepEqual(Reflect.get(globalThis, "bundled"), ["begun", 2]);
  for (const [source, error] of [
    ['import * as all from "./other.ts";', /not understood/],
    ["export default 1;", /not understood/],
    ['import { x } from "unknown";', /does not serve/],
    ['import { x } from "./main.ts";', /imports itself/],
  ] as const) {
    assert.throws(() => join({ "/main.ts": source, "/other.ts": "" }), error, source);
  }
});
