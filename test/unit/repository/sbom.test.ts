import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import test from "node:test";
import packageJson from "../../../package.json" with { type: "json" };

test("npm run sbom lists every package that a service may load", () => {
  const root = resolve(import.meta.dirname, "../../..");
  const bom = JSON.parse(execFileSync("npm", ["run", "-s", "sbom"], { cwd: root, encoding: "utf8" }));
  assert.deepEqual([bom.bomFormat, typeof bom.specVersion], ["CycloneDX", "string"]);
  const listed = new Map(
    (bom.components as { name: string; version: string }[]).map(({ name, version }) => [name, version]),
  );
  for (const [name, version] of Object.entries(packageJson.dependencies)) {
    assert.equal(listed.get(name), version, name);
  }
  for (const name of Object.keys(packageJson.devDependencies)) {
    assert.ok(!listed.has(name) || name === "ajv", `${name} is for development only`);
  }
});
