import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import test from "node:test";
import packageJson from "../../../package.json" with { type: "json" };

test("npm run sbom lists every package that a service may load", () => {
  const root = resolve(import.meta.dirname, "../../..");
  const bom = JSON.parse(execFileSync("npm", ["run", "-s", "sbom"], { cwd: root, encoding: "utf8" }));
  assert.deepEqual([bom.bomFormat, typeof bom.specVersion], ["CycloneDX", "string"]);
  const listed = new Set((bom.components as { purl: string }[]).map(({ purl }) => decodeURIComponent(purl)));
  for (const [name, version] of Object.entries(packageJson.dependencies)) {
    assert.ok(listed.has(`pkg:npm/${name}@${version}`), name);
  }
  assert.ok(![...listed].some((each) => each.startsWith("pkg:npm/typescript@")));
});
