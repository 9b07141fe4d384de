import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import test from "node:test";

/**
 * The plan of the house: for each building its rooms, from the ground floor up. A file may import files of
 * its own room and of the rooms that stand before it, types included. "." are the files at the building's
 * root, the top floor.
 */
const plan: Record<string, string[]> = {
  libs: [
    "client",
    "client-node",
    "config",
    "errors",
    "nats",
    "telemetry",
    "kato",
    "commands",
    "registry",
    "backup",
    "service",
  ],
  "services/gateway": ["http", "access", "openapi", "fleet", "dispatch", "bulk", "routes", "."],
  "services/worker": [
    "model",
    "checkpoint",
    "instance",
    "engine",
    "outcomes",
    "processor",
    "assignment",
    ".",
  ],
  "services/console": ["model", "base", "parts", "screens", "."],
  "services/discovery": ["sources", "."],
  "services/simulator": ["python", "memory", "predictions", "."],
  "services/cli": ["terminal", "connection", "options", "input", "commands", "."],
};

/** What a room must not know of, although it stands before it. */
const strangers: Record<string, string[]> = {
  libs: ["services/", "test/", "scripts/"],
  services: ["test/", "scripts/"],
  "libs/kato": ["@nats-io/", "libs/nats/"],
  "libs/commands": ["fastify", "@fastify/", "node:http", "libs/kato/"],
  "libs/nats": ["libs/errors/"],
  // It runs in browsers too.
  "libs/client": ["node:", "@", "typebox", "fastify"],
};

const root = resolve(import.meta.dirname, "../../..");
const files = globSync("{libs,services}/**/*.ts", { cwd: root });
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const planText = Object.entries(plan)
  .map(([building, rooms]) => `${building}: ${rooms.join(" < ")}`)
  .join("\n");

/** What a file imports, types included: a package's name, or a path from the repository's root. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  const specifiers = source.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g);
  return [...specifiers].map(([, specifier = ""]) =>
    specifier.startsWith(".") ? join(dirname(file), specifier) : specifier,
  );
}

/** The building and the room of a file; undefined of what is no file of ours. */
function placeOf(path: string): { building: string; room: string } | undefined {
  const building = Object.keys(plan).find((folder) => path.startsWith(`${folder}/`));
  if (building === undefined) return undefined;
  const [room = "", ...below] = path.slice(building.length + 1).split("/");
  return { building, room: below.length === 0 ? "." : room };
}

/** Why this import is against the plan; undefined where it is not. */
function objectionTo(file: string, imported: string): string | undefined {
  const from = placeOf(file);
  const to = placeOf(imported);
  const forbidden = Object.entries(strangers)
    .filter(([folder]) => file.startsWith(`${folder}/`))
    .flatMap(([, prefixes]) => prefixes)
    .find((prefix) => imported.startsWith(prefix));
  if (forbidden !== undefined) return `${file} imports ${imported}, which it must not know of`;
  if (!from || !to) return undefined;
  if (from.building !== to.building) {
    return to.building === "libs" ? undefined : `${file} imports ${imported}, another service`;
  }
  const rooms = plan[from.building] ?? [];
  const isBelow = rooms.indexOf(to.room) <= rooms.indexOf(from.room);
  return isBelow ? undefined : `${file} (${from.room}) imports ${imported} (${to.room}), a room above it`;
}

/** A ring of files that import each other; undefined where there is none. */
function findRing(): string[] | undefined {
  const seen = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | undefined => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (seen.has(file)) return undefined;
    seen.add(file);
    path.push(file);
    for (const imported of imports.get(file) ?? []) {
      const ring = imports.has(imported) ? visit(imported) : undefined;
      if (ring) return ring;
    }
    path.pop();
    return undefined;
  };
  for (const file of files) {
    const ring = visit(file);
    if (ring) return ring;
  }
  return undefined;
}

test("every file stands in a room of the plan", () => {
  const homeless = files.filter((file) => {
    const place = placeOf(file);
    return !place || !plan[place.building]?.includes(place.room);
  });
  assert.deepEqual(homeless, [], `the plan:\n${planText}`);
});

test("a room imports only from the rooms below it, types included", () => {
  const objections = [...imports].flatMap(([file, imported]) =>
    imported.flatMap((path) => objectionTo(file, path) ?? []),
  );
  assert.deepEqual(objections, [], `the plan, a room may import those before it:\n${planText}`);
});

test("the subjects of the gateway's routes do not import each other", () => {
  const subjectOf = (path: string) => /^services\/gateway\/routes\/([^/]+)\/./.exec(path)?.[1];
  const subjects = new Set([...imports.keys()].flatMap((file) => subjectOf(file) ?? []));
  assert.ok(subjects.size > 10, [...subjects].join(", "));
  const objections = [...imports].flatMap(([file, imported]) => {
    const own = subjectOf(file);
    const others = own === undefined ? [] : imported.filter((path) => (subjectOf(path) ?? own) !== own);
    return others.map(
      (path) => `${file} imports ${path}, another subject: what both need stands in a room below`,
    );
  });
  assert.deepEqual(objections, []);
});

test("no files import each other in a ring, types included", () => {
  const ring = findRing();
  assert.equal(ring, undefined, `a ring: ${ring?.join(" → ")}\nthe plan:\n${planText}`);
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
