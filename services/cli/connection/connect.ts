import { readFileSync } from "node:fs";
import type { KatoClient } from "../../../libs/client/client.ts";
import { katoClient } from "../../../libs/client/client.ts";
import { nodeFetch } from "../../../libs/client-node/node-fetch.ts";
import { usage } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";
import type { Context } from "./contexts.ts";
import { Contexts } from "./contexts.ts";

/** The options of every command that say which gateway is meant. */
export interface ConnectionFlags {
  context?: string;
  url?: string;
  keyFile?: string;
  ca?: string;
  cert?: string;
  certKey?: string;
}

/** A gateway, and how to reach it. */
export interface Connection extends Context {
  key: string | undefined;
}

/** What is meant: a flag counts before the environment, and that before the context. */
export function connectionOf({ variables }: Pick<Io, "variables">, flags: ConnectionFlags): Connection {
  const contexts = new Contexts({ variables });
  const name = flags.context ?? contexts.current;
  const context = name === undefined ? undefined : contexts.get(name);
  const url = flags.url ?? (variables.KATO_URL || undefined) ?? context?.url ?? defaultUrl(variables);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw usage(`the gateway's address has to be as http://127.0.0.1:8000, not "${url}"`);
  }
  // The key of a context is for its gateway: it is not shown to another one.
  const isOfContext = name !== undefined && url === context?.url;
  const fromFile = flags.keyFile === undefined ? undefined : keyIn(flags.keyFile);
  const key =
    fromFile ?? (variables.KATO_KEY?.trim() || undefined) ?? (isOfContext ? contexts.key(name) : undefined);
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw usage("your key has a character that no key has: look at KATO_KEY or --key-file");
  }
  const { ca, cert, certKey } = { ...(isOfContext && context), ...withoutUndefined(flags) };
  return { url, key, ...withoutUndefined({ ca, cert, certKey }) };
}

/** Where `npm start` and the container listen. */
function defaultUrl(variables: Io["variables"]): string {
  const port = /^\d+$/.test(variables.GATEWAY_PORT ?? "") ? variables.GATEWAY_PORT : "8000";
  return `http://127.0.0.1:${port}`;
}

export function clientOf({ url, key, ca, cert, certKey }: Connection): KatoClient {
  const files = { ca, cert, key: certKey };
  const tls = Object.fromEntries(
    Object.entries(files).flatMap(([name, file]) => (file === undefined ? [] : [[name, textIn(file)]])),
  );
  return katoClient({ url, key, fetch: nodeFetch(tls) });
}

/** The key in a file: its first line. Several may stand in the file of GATEWAY_ADMIN_KEY_FILE. */
export function keyIn(file: string): string {
  const [key = ""] = textIn(file).trim().split(/\s+/);
  if (key === "") throw usage(`${file} has no key`);
  return key;
}

export function textIn(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw usage(`${file} cannot be read (${code === "ENOENT" ? "there is no such file" : code})`);
  }
}

function withoutUndefined<T extends object>(values: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: NonNullable<T[Name]>;
  };
}
