import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";

const root = resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const peers = "test/performance/peers";
const { dependencies } = JSON.parse(read(`${peers}/package.json`)) as {
  dependencies: Record<string, string>;
};
const packages = Object.keys(dependencies);

test("the packages of the benchmarks' peers are none of the project's", () => {
  assert.ok(packages.length > 0);
  const lock = read("package-lock.json");
  assert.deepEqual(
    packages.filter((name) => lock.includes(name)),
    [],
  );
});

test("the project's check of types leaves out only the files that need the peers' packages", () => {
  const { exclude } = JSON.parse(read("tsconfig.json")) as { exclude: string[] };
  const files = globSync("{libs,services,scripts,test}/**/*.ts", {
    cwd: root,
    exclude: ["**/node_modules/**"],
  });
  const importing = files.filter((file) => packages.some((name) => read(file).includes(`from "${name}"`)));
  assert.deepEqual(
    exclude.filter((path) => path !== "services/console"),
    importing,
  );
});
