import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import test from "node:test";

const root = resolve(import.meta.dirname, "../..");
const files = globSync("{libs,services}/**/*.ts", { cwd: root });

/** What a file imports: a package's name, or a path from the repository's root. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  const specifiers = source.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g);
  return [...specifiers].map(([, specifier = ""]) =>
    specifier.startsWith(".") ? join(dirname(file), specifier) : specifier,
  );
}

/** Asserts that no file below `folder` imports what `isForbidden` names. */
function assertNoImport(folder: string, isForbidden: (imported: string, file: string) => boolean): void {
  const found = files
    .filter((file) => file.startsWith(folder))
    .flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))
    .filter(({ file, imported }) => isForbidden(imported, file))
    .map(({ file, imported }) => `${file} imports ${imported}`);
  assert.deepEqual(found, []);
}

function startsWithOneOf(imported: string, prefixes: string[]): boolean {
  return prefixes.some((prefix) => imported.startsWith(prefix));
}

test("a service imports no other service", () => {
  assertNoImport("services/", (imported, file) => {
    const own = `${file.split("/").slice(0, 2).join("/")}/`;
    return imported.startsWith("services/") && !imported.startsWith(own);
  });
});

test("libs/ imports no service", () => {
  assertNoImport("libs/", (imported) => imported.startsWith("services/"));
});

test("libs/kato knows nothing of NATS", () => {
  assertNoImport("libs/kato/", (imported) =>
    startsWithOneOf(imported, ["@nats-io/", "libs/nats/", "libs/commands/"]),
  );
});

test("libs/commands knows nothing of HTTP or of KATO's messages", () => {
  assertNoImport("libs/commands/", (imported) =>
    startsWithOneOf(imported, ["fastify", "@fastify/", "node:http", "libs/kato/"]),
  );
});

test("libs/nats knows nothing of KATO", () => {
  assertNoImport("libs/nats/", (imported) => imported.startsWith("libs/kato/"));
});

test("nothing that is shipped imports from test/ or scripts/", () => {
  assertNoImport("", (imported) => startsWithOneOf(imported, ["test/", "scripts/"]));
});

test("only libs/config reads the environment", () => {
  const readers = files.filter((file) =>
    /\bprocess\s*\.\s*env\b/.test(readFileSync(join(root, file), "utf8")),
  );
  assert.deepEqual(
    readers.filter((file) => !file.startsWith("libs/config/")),
    [],
  );
});
