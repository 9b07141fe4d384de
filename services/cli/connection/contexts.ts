import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { usage } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";

/** A gateway as it is called: where it is, and how it is reached. Paths are absolute. */
export interface Context {
  url: string;
  /** Who signs the gateway's certificate. */
  ca?: string;
  /** The client's own certificate, and its key. */
  cert?: string;
  certKey?: string;
}

interface ContextFile {
  current?: string;
  contexts: Record<string, Context>;
}

/** Where the command line keeps its contexts and their keys. */
export function configFolder({ variables }: Pick<Io, "variables">): string {
  return join(variables.XDG_CONFIG_HOME || join(variables.HOME || homedir(), ".config"), "kato");
}

/** The gateways that were named with `kato context add`. The key of each stands in a file of its own. */
export class Contexts {
  readonly #folder: string;
  readonly #file: string;
  readonly #known: ContextFile;

  constructor(io: Pick<Io, "variables">) {
    this.#folder = configFolder(io);
    this.#file = join(this.#folder, "contexts.json");
    this.#known = existsSync(this.#file) ? readContexts(this.#file) : { contexts: {} };
  }

  /** The name of the one that is used. */
  get current(): string | undefined {
    return this.#known.current;
  }

  get all(): [name: string, context: Context][] {
    return Object.entries(this.#known.contexts).sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** Throws a usage error for a name that is not known. */
  get(name: string): Context {
    const context = Object.hasOwn(this.#known.contexts, name) ? this.#known.contexts[name] : undefined;
    if (context) return context;
    const names = this.all.map(([name]) => name).join(", ");
    throw usage(
      `there is no context ${name}: ${names ? `there are ${names}` : "kato context add makes one"}`,
    );
  }

  hasKey(name: string): boolean {
    return existsSync(this.#keyFile(name));
  }

  key(name: string): string | undefined {
    return this.hasKey(name) ? readFileSync(this.#keyFile(name), "utf8").trim() : undefined;
  }

  /** Adds or replaces it, and uses it. A key that is not given stays. */
  put(name: string, context: Context, key: string | undefined): void {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name) || name.startsWith(".")) {
      throw usage(`a context's name has 1 to 64 of A-Z a-z 0-9 _ . -, not "${name}"`);
    }
    mkdirSync(join(this.#folder, "keys"), { recursive: true, mode: 0o700 });
    if (key !== undefined) {
      // The mode counts when a file is made; one that is there already may have another.
      writeFileSync(this.#keyFile(name), `${key}\n`, { mode: 0o600 });
      chmodSync(this.#keyFile(name), 0o600);
    }
    this.#write({ current: name, contexts: { ...this.#known.contexts, [name]: context } });
  }

  use(name: string): void {
    this.get(name);
    this.#write({ ...this.#known, current: name });
  }

  remove(name: string): void {
    this.get(name);
    const { [name]: _, ...contexts } = this.#known.contexts;
    rmSync(this.#keyFile(name), { force: true });
    const { current } = this.#known;
    this.#write({ contexts, ...(current !== undefined && current !== name && { current }) });
  }

  #keyFile(name: string): string {
    return join(this.#folder, "keys", name);
  }

  #write(contexts: ContextFile): void {
    // Another process may read it meanwhile, and finds the one of before or this one.
    const next = `${this.#file}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(contexts, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(next, this.#file);
    Object.assign(this.#known, { current: undefined, ...contexts });
  }
}

function readContexts(file: string): ContextFile {
  try {
    const read: ContextFile = JSON.parse(readFileSync(file, "utf8"));
    if (typeof read?.contexts === "object" && read.contexts !== null) return read;
  } catch (error) {
    throw usage(`${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  throw usage(`${file} has no contexts: remove it, and kato context add makes it anew`);
}
