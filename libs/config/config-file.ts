import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import type { SettingName } from "./setting-names.ts";
import { settingNames } from "./setting-names.ts";

/** The content of a configuration file. */
export interface ConfigFile {
  /** The settings, each as the text that an environment variable would have. */
  settings: Partial<Record<SettingName, string>>;
  /** The value of the key `processors`, not checked yet; undefined if the file has none. */
  processors: unknown;
}

/**
 * Reads a YAML file. Its keys are names of settings, in capitals or not, and `processors`. Whatever is wrong
 * with the file is reported to `problem` and left out. `service` is what reads it, "" for whatever it is.
 */
export function readConfigFile(path: string, service: string, problem: (what: string) => void): ConfigFile {
  const file: ConfigFile = { settings: {}, processors: undefined };
  const content = contentOf(path, problem);
  if (content === undefined || content === null) return file;
  if (typeof content !== "object" || Array.isArray(content)) {
    problem("must hold keys and values");
    return file;
  }
  for (const [key, value] of Object.entries(content)) {
    const name = settingNames.find((known) => known === key.toUpperCase());
    const remedy = remedyFor(key, service);
    if (key === "processors") file.processors = value;
    else if (remedy !== undefined) problem(`has the key ${JSON.stringify(key)}: ${remedy}`);
    else if (name === undefined) problem(`has the unknown key ${JSON.stringify(key)}`);
    else if (name in file.settings) problem(`has ${name} twice`);
    else if (value !== null) {
      const text = textOf(value);
      if (text === undefined) problem(`${key} must be a text, a number, true, false or a list of these`);
      else file.settings[name] = text;
    }
  }
  return file;
}

/** What to write for a key that the configuration of KATO's own REST front end had; undefined for others. */
function remedyFor(key: string, service: string): string | undefined {
  // The simulator's own settings are PORT and HOST. In capitals nobody means the gateway's.
  if ((key === "port" || key === "host") && service !== "" && service !== "simulator") {
    return `write gateway_${key}; the simulator's is ${key.toUpperCase()}`;
  }
  if (key === "timeout") {
    return "leave it out; a client says how long it waits (Prefer: wait=30), call_timeout_ms limits a call";
  }
  return key === "max_connections" ? "leave it out; each instance has one connection" : undefined;
}

function contentOf(path: string, problem: (what: string) => void): unknown {
  try {
    const document = parseDocument(readFileSync(path, "utf8"));
    const [wrong] = [...document.errors, ...document.warnings];
    if (!wrong) return document.toJS();
    problem(`is not YAML: ${wrong.message.split("\n")[0]}`);
  } catch (error) {
    problem(`cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  return undefined;
}

/** The text that an environment variable would have: the items of a list are joined by commas. */
function textOf(value: unknown): string | undefined {
  const items = Array.isArray(value) ? value : [value];
  const isPlain = items.every((item) => ["string", "number", "boolean"].includes(typeof item));
  return isPlain ? items.join(",") : undefined;
}
