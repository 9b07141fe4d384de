import { isIP } from "node:net";
import type { ConfigFile } from "./config-file.ts";
import type { SettingName } from "./setting-names.ts";

/**
 * Thrown when settings are wrong, so that the program does not start. The message names every wrong setting.
 */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** The allowed values of a port to listen on. 0 stands for any free port. */
export const anyPort = { min: 0, max: 65_535 };

/**
 * Reads settings. A setting is taken from its environment variable, or from the configuration file if there
 * is no such variable or it is empty.
 *
 * A wrong setting does not throw where it is read: it is noted, and its fallback is returned. Then `check`
 * throws an error that names all wrong settings at once.
 */
export class Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly #problems: string[] = [];
  #file: ConfigFile = { settings: {}, processors: undefined };

  /** Reads variables only, no file. */
  constructor(variables: Readonly<Record<string, string | undefined>>) {
    this.variables = variables;
  }

  /**
   * Reads variables, by default those of this process, and the file that GATEWAY_CONFIG names, if it names
   * one. `service` is what reads them: a key of the file may mean another service's setting.
   */
  static async read(
    variables: Readonly<Record<string, string | undefined>> = process.env,
    service = "",
  ): Promise<Environment> {
    const environment = new Environment(variables);
    const path = bare(variables.GATEWAY_CONFIG);
    if (!path) return environment;
    // The YAML parser is loaded only by processes that have such a file.
    const { readConfigFile } = await import("./config-file.ts");
    environment.#file = readConfigFile(path, service, (what) => environment.problem("GATEWAY_CONFIG", what));
    return environment;
  }

  /** Reads what this service's process has. */
  static readFor(service: string): Promise<Environment> {
    return Environment.read(process.env, service);
  }

  /** The value of the file's key `processors`; undefined without one. */
  get fileProcessors(): unknown {
    return this.#file.processors;
  }

  /** The setting as it is. */
  text(name: SettingName, fallback: string): string {
    return this.#value(name) || fallback;
  }

  /** A whole number; `min` and `max` are allowed too. */
  integer(name: SettingName, fallback: number, range: { min: number; max: number }): number {
    const text = this.#value(name);
    if (!text) return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    if (name.endsWith("_PORT") && isLink(text)) {
      const service = name.slice(0, -"_PORT".length).toLowerCase();
      const remedy = "give that Service another name, or the Pod enableServiceLinks: false";
      this.problem(name, `is "${text}", which Kubernetes sets for a Service called "${service}"; ${remedy}`);
      return fallback;
    }
    this.problem(name, `must be a whole number from ${range.min} to ${range.max}, not "${text}"`);
    return fallback;
  }

  /** A number; `min` and `max` are allowed too. */
  number(name: SettingName, fallback: number, range: { min: number; max: number }): number {
    const text = this.#value(name);
    if (!text) return fallback;
    const value = Number(text);
    if (value >= range.min && value <= range.max) return value;
    this.problem(name, `must be a number from ${range.min} to ${range.max}, not "${text}"`);
    return fallback;
  }

  /** A host to listen on: a name, or an address; an IPv6 address with brackets or without. */
  host(name: SettingName, fallback: string): string {
    const text = this.text(name, fallback);
    const host = text.replace(/^\[(.*)\]$/, "$1");
    if (isIP(host) || /^[A-Za-z0-9_.-]+$/.test(host)) return host;
    this.problem(name, `must be a host's name or address, without a port, not "${text}"`);
    return fallback;
  }

  /** One of these words, in capitals or not. */
  choice<T extends string>(name: SettingName, choices: readonly T[], fallback: T): T {
    const text = this.#value(name);
    if (!text) return fallback;
    const chosen = choices.find((choice) => choice === text.toLowerCase());
    if (chosen === undefined) this.problem(name, `must be one of ${choices.join(", ")}, not "${text}"`);
    return chosen ?? fallback;
  }

  /** True for `1` and `true`, false for `0` and `false`. */
  flag(name: SettingName, fallback: "0" | "1" = "0"): boolean {
    return ["1", "true"].includes(this.choice(name, ["0", "1", "false", "true"], fallback));
  }

  /** A list whose items are separated by commas. */
  list(name: SettingName, fallback: string): string[] {
    return this.text(name, fallback)
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  }

  /**
   * A list of servers, separated by commas: each `host`, `host:port` or `scheme://host:port`, perhaps with
   * `user:password@` before the host. It has one server at least, or it is wrong.
   */
  servers(name: SettingName, scheme: string, fallback: string): string[] {
    const servers = this.list(name, fallback);
    for (const server of servers) {
      const url = server.includes("://") ? server : `${scheme}://${server}`;
      if (!URL.canParse(url) || new URL(url).hostname === "") {
        // If any server has a user, a text that is no URL may be part of a password. So it is not repeated.
        const hasUser = servers.some((each) => each.includes("@"));
        const value = hasUser ? "what it is; passwords are percent-encoded" : `"${server}"`;
        this.problem(name, `must be ${scheme}://host:port, several with commas between, not ${value}`);
      }
    }
    if (servers.length === 0) this.problem(name, "names no server");
    return servers;
  }

  /**
   * Notes that a setting is wrong. `what` is the rest of the sentence after its name, for example "must be a
   * number".
   */
  problem(name: string, what: string): void {
    const isFromFile = !this.variables[name] && name in this.#file.settings;
    this.#problems.push(`${name}${isFromFile ? " in GATEWAY_CONFIG" : ""} ${what}`);
  }

  /** Throws a SettingsError if any setting was wrong. */
  check(): void {
    if (this.#problems.length > 0) throw new SettingsError(`wrong settings: ${this.#problems.join("; ")}`);
  }

  #value(name: SettingName): string | undefined {
    return bare(this.variables[name]) || bare(this.#file.settings[name]);
  }
}

/**
 * A setting without the spaces around it, and without quotes: a file for `docker run --env-file` keeps quotes
 * that a shell would take away.
 */
export function bare(text = ""): string {
  const trimmed = text.trim();
  const [, , inner] = /^(["'])(.*)\1$/s.exec(trimmed) ?? [];
  return inner === undefined ? trimmed : inner.trim();
}

/** Whether a text is what Kubernetes and Docker put into variables of linked services: `tcp://10.0.0.1:80`. */
export function isLink(text: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(text);
}
