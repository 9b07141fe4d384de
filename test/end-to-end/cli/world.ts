import { execFile } from "node:child_process";
import { delimiter, resolve } from "node:path";
import type { CliResult } from "../../fixtures/cli.ts";
import { kato } from "../../fixtures/cli.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";

const root = resolve(import.meta.dirname, "../../..");
export const katoMain = resolve(root, "services/cli/main.ts");

/** A system, and somebody who uses it from a shell. */
export interface World {
  system: SystemHere;
  /** Where the shell is, with what the command line remembers. */
  folder: string;
  variables: Record<string, string>;
  /** Runs `kato` in this process. */
  kato: (...args: string[]) => Promise<CliResult>;
  /** Runs `kato`, and gives the JSON that it prints. Throws where it fails. */
  json: <T>(...args: string[]) => Promise<T>;
  /** Runs a line of a shell that has bin/kato in its PATH. */
  shell: (line: string) => Promise<CliResult>;
}

export function worldOf(system: SystemHere, key: string, folder: string): World {
  const variables = {
    KATO_URL: system.gateway.url,
    KATO_KEY: key,
    NATS_URL: system.nats.url,
    HOME: folder,
    XDG_CONFIG_HOME: `${folder}/config`,
    XDG_STATE_HOME: `${folder}/state`,
  };
  const inProcess = (...args: string[]) => kato(args, { variables });
  return {
    system,
    folder,
    variables,
    kato: inProcess,
    async json(...args) {
      const { code, out, err } = await inProcess(...args, "--output", "json");
      if (code !== 0) throw new Error(`kato ${args.join(" ")}: ${err}`);
      return JSON.parse(out);
    },
    shell: (line) => {
      const env = { ...process.env, ...variables, PATH: `${root}/bin${delimiter}${process.env.PATH}` };
      return new Promise((done) => {
        execFile("sh", ["-eu", "-c", line], { cwd: folder, env, timeout: 60_000 }, (error, out, err) => {
          const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
          done({ code, out, err });
        });
      });
    },
  };
}
