import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import test from "node:test";
import { ingestionsKeptMs } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { errorCatalog } from "../../../libs/errors/gateway-error.ts";
import { requestHeaders } from "../../../services/gateway/openapi/headers.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const filesOf = (...patterns: string[]) =>
  globSync(patterns, { cwd: root, exclude: ["**/node_modules/**"], withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1));

const documents = filesOf("*.md", "{docs,libs,services,scripts,test,deploy,proto}/**/*.md");

/** A document's text, where a file's name is not one of an example. */
function withoutCodeBlocks(text: string): string {
  return text.replace(/^```.*?^```/gms, "");
}

/** A document's headings as GitHub makes anchors of them. */
function anchorsOf(text: string): string[] {
  const headings = withoutCodeBlocks(text).matchAll(/^#+ (.+)$/gm);
  return Array.from(headings, ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test("every document that code, scripts and deployments name exists", () => {
  const sources = filesOf("{libs,services,scripts,test,deploy}/**/*", "*.yml", "Dockerfile.*");
  const named = sources.flatMap((file) =>
    [...read(file).matchAll(/\bdocs\/[\w./-]+\.md\b/g)].map(([document]) => ({ file, document })),
  );
  assert.ok(named.length > 10);
  const missing = named.filter(({ document }) => !existsSync(join(root, document)));
  assert.deepEqual(missing, []);
});

test("every test and fixture that documents, comments and scripts name exists", () => {
  const sources = filesOf("{libs,services,scripts,test,docs}/**/*.{ts,md}", "*.{md,json}", "*.yml");
  const named = sources.flatMap((file) =>
    [...read(file).matchAll(/(?<![\w./-])test\/[\w./-]+\.(?:ts|jsonl)\b/g)].map(([path]) => ({ file, path })),
  );
  assert.ok(named.length > 10);
  const missing = named.filter(({ path }) => !existsSync(join(root, path)));
  assert.deepEqual(missing, []);
});

test("every source file that the documents name exists", () => {
  const files = filesOf("{libs,services,scripts,test,proto,deploy}/**/*", "*");
  const named = documents.flatMap((file) =>
    [...withoutCodeBlocks(read(file)).matchAll(/`([\w./-]+\.(?:ts|mjs|proto))`/g)].map(([, path = ""]) => ({
      file,
      path,
    })),
  );
  assert.ok(named.length > 50);
  const isThere = (path: string) => files.some((file) => file === path || file.endsWith(`/${path}`));
  assert.deepEqual(
    named.filter(({ path }) => !isThere(path)),
    [],
  );
});

test("every function on a command's way through the code stands in the file that the document names", () => {
  const [, way = ""] =
    /^## A command's way$(.*?)^## /ms.exec(read("docs/architecture.md").replaceAll(/\s*\n {2,}/g, " ")) ?? [];
  const steps = Array.from(
    way.matchAll(/^\d+\. `([^`]+)`((?:, `[^`]+`)+):/gm),
    ([, file = "", names = ""]) => ({
      file,
      names: Array.from(names.matchAll(/`([^`]+)`/g), ([, name = ""]) => name),
    }),
  );
  assert.ok(steps.length > 10);
  const missing = steps.flatMap(({ file, names }) => {
    const source = read(file);
    return names.filter((name) => !source.includes(name)).map((name) => `${file}: ${name}`);
  });
  assert.deepEqual(missing, []);
});

test("what the documents link to in the repository exists, and has the heading that is linked to", () => {
  const links = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => ({ file, target }))
      .filter(({ target }) => !/^[a-z]+:/.test(target)),
  );
  assert.ok(links.length > 50);
  const broken = links.filter(({ file, target }) => {
    const [path = "", anchor] = target.split("#");
    const linked = path === "" ? file : join(dirname(file), path);
    if (!existsSync(join(root, linked))) return true;
    return anchor !== undefined && !anchorsOf(read(linked)).includes(anchor);
  });
  assert.deepEqual(broken, []);
});

test("it is said everywhere for how long the key of many observations is known", () => {
  const days = `${ingestionsKeptMs / 86_400_000} days`;
  const api = read("docs/api.md");
  const texts = {
    document: requestHeaders.IngestionKey.description,
    readme: /^\| send again \|.*$/m.exec(read("README.md"))?.[0],
    header: /^\| `Idempotency-Key` \|.*$/m.exec(api)?.[0],
    route: /^\| POST \/\{id\}\/observations \|.*$/m.exec(api)?.[0],
  };
  for (const [place, text] of Object.entries(texts)) assert.ok(text?.includes(days), place);
});

test("the API's document has every status that an error becomes, and no other", () => {
  const [, errors = ""] = /^## Errors$(.*)/ms.exec(read("docs/api.md")) ?? [];
  const documented = Array.from(errors.matchAll(/^\| (\d{3}) \|/gm), ([, status]) => Number(status));
  const statuses = new Set(Object.values(errorCatalog).map(({ status }) => status));
  assert.deepEqual(documented, [...statuses].toSorted());
});
