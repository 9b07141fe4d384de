import { readFileSync } from "node:fs";
import type { Environment } from "../../../libs/config/environment.ts";
import type { ApiKey } from "./api-key.ts";
import { parseApiKey } from "./api-key.ts";
import type { Grants } from "./grants.ts";
import { allGrants, grantsProblem } from "./grants.ts";

// The files that settings of access name. What is wrong with one is noted in the environment, without its secrets.

/** A key that stands in a file, with what it may do. */
export interface FileKey extends ApiKey {
  grants: Grants;
}

/** The keys of GATEWAY_ADMIN_KEY_FILE, one a line. It is not read before keys are chosen, as with docker compose. */
export function readAdminKeys(environment: Environment): FileKey[] {
  const lines = linesOfFile(environment, "GATEWAY_ADMIN_KEY_FILE");
  const keys = lines?.map(parseApiKey);
  if (keys?.length === 0 || keys?.includes(undefined)) {
    environment.problem(
      "GATEWAY_ADMIN_KEY_FILE",
      "names a file that has no key kato_<id>_<43 characters> a line",
    );
  }
  return (keys ?? []).flatMap((key) => (key ? { ...key, grants: allGrants } : []));
}

/** The keys of GATEWAY_KEYS_FILE: each a line, a space, and its grants as JSON. */
export function readProgramKeys(environment: Environment): FileKey[] {
  return (linesOfFile(environment, "GATEWAY_KEYS_FILE") ?? []).flatMap((line, index) => {
    // What is wrong is told without the line, which has a secret.
    const wrong = (what: string) => {
      environment.problem("GATEWAY_KEYS_FILE", `names a file whose key ${index + 1} ${what}`);
      return [];
    };
    const [text = "", json = ""] = [line.split(" ", 1)[0], line.slice(line.indexOf(" ") + 1)];
    const key = parseApiKey(text);
    if (!key) return wrong("is not kato_<id>_<43 characters>");
    const grants = parseJson(json);
    const problem = grantsProblem(grants);
    return problem === undefined
      ? { ...key, grants: grants as Grants }
      : wrong(`has wrong grants: ${problem}`);
  });
}

function linesOfFile(environment: Environment, name: FileSetting): string[] | undefined {
  const lines = readFile(environment, name)?.split("\n");
  return lines?.map((line) => line.trim()).filter((line) => line !== "");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Notes what is wrong with the file that JWT_JWKS names. */
export function checkJwks(environment: Environment): void {
  const text = readFile(environment, "JWT_JWKS");
  if (text === undefined) return;
  try {
    if (Array.isArray(JSON.parse(text).keys)) return;
  } catch {
    // It is no JSON.
  }
  environment.problem("JWT_JWKS", 'names a file that is no JSON Web Key Set: {"keys": […]}');
}

/** What GRANTS_FILE says, a JSON object of each name's grants; undefined without the setting. */
export function readGrantsFile(environment: Environment): Map<string, Grants> | undefined {
  const text = readFile(environment, "GRANTS_FILE");
  if (text === undefined) return undefined;
  const problem = (what: string) => environment.problem("GRANTS_FILE", `names a file that ${what}`);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      problem("is no object of names and their grants");
      return new Map();
    }
    const entries: [string, Grants][] = Object.entries(value);
    for (const [name, grants] of entries) {
      const wrong = grantsProblem(grants);
      if (wrong !== undefined) problem(`is wrong about "${name}": ${wrong}`);
    }
    return new Map(entries);
  } catch {
    problem("is not JSON");
    return new Map();
  }
}

type FileSetting = "GATEWAY_ADMIN_KEY_FILE" | "GATEWAY_KEYS_FILE" | "GRANTS_FILE" | "JWT_JWKS";

/** The text of the file that a setting names; undefined if it names none, or one that cannot be read. */
function readFile(environment: Environment, name: FileSetting): string | undefined {
  const path = environment.text(name, "");
  if (path === "") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    environment.problem(
      name,
      `names a file that cannot be read: ${error instanceof Error ? error.message : error}`,
    );
    return undefined;
  }
}
