import type { ConfigFile } from "./config-file.ts";
import type { SettingName } from "./setting-names.ts";

/** Thrown when settings are wrong: the message names every wrong one, and the program must not start. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/**
 * Reads settings from environment variables, and those that are missing there from a configuration file. A wrong one is noted
 * and its default returned, so that `check` can name all of them at once. An empty variable counts as missing.
 */
export class Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly #problems: string[] = [];
  #file: ConfigFile = { settings: {}, processors: undefined };

  /** The variables alone. */
  constructor(variables: Readonly<Record<string, string | undefined>>) {
    this.variables = variables;
  }

  /** The variables, this process's by default, and, where GATEWAY_CONFIG names one, the file. */
  static async read(
    variables: Readonly<Record<string, string | undefined>> = process.env,
  ): Promise<Environment> {
    const environment = new Environment(variables);
    const path = variables.GATEWAY_CONFIG;
    if (!path) return environment;
    // Whoever has no such file need not load what reads YAML.
    const { readConfigFile } = await import("./config-file.ts");
    environment.#file = readConfigFile(path, (what) => environment.problem("GATEWAY_CONFIG", what));
    return environment;
  }

  /** What stands under the file's `processors`. */
  get fileProcessors(): unknown {
    return this.#file.processors;
  }

  text(name: SettingName, fallback: string): string {
    return this.#value(name) || fallback;
  }

  integer(name: SettingName, fallback: number, range: { min: number; max: number }): number {
    const text = this.#value(name);
    if (!text) return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    this.problem(name, `must be a whole number from ${range.min} to ${range.max}, not "${text}"`);
    return fallback;
  }

  number(name: SettingName, fallback: number, range: { min: number; max: number }): number {
    const text = this.#value(name);
    if (!text) return fallback;
    const value = Number(text);
    if (value >= range.min && value <= range.max) return value;
    this.problem(name, `must be a number from ${range.min} to ${range.max}, not "${text}"`);
    return fallback;
  }

  choice<T extends string>(name: SettingName, choices: readonly T[], fallback: T): T {
    const text = this.#value(name);
    if (!text) return fallback;
    const chosen = choices.find((choice) => choice === text);
    if (chosen === undefined) this.problem(name, `must be one of ${choices.join(", ")}, not "${text}"`);
    return chosen ?? fallback;
  }

  /** `1` or `true`, `0` or `false`. */
  flag(name: SettingName): boolean {
    return ["1", "true"].includes(this.choice(name, ["0", "1", "false", "true"], "0"));
  }

  /** Values with commas between. */
  list(name: SettingName, fallback: string): string[] {
    return this.text(name, fallback)
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  }

  /** Addresses of servers with commas between: `host`, `host:port` or `scheme://host:port`, with `user:password@` or without. */
  servers(name: SettingName, scheme: string, fallback: string): string[] {
    const servers = this.list(name, fallback);
    for (const server of servers) {
      const url = server.includes("://") ? server : `${scheme}://${server}`;
      if (!URL.canParse(url) || new URL(url).hostname === "") {
        // With a user in any of them, what cannot be read may be a part of a password.
        const hasUser = servers.some((each) => each.includes("@"));
        const told = hasUser ? "what it is; passwords are percent-encoded" : `"${server}"`;
        this.problem(name, `must be ${scheme}://host:port, several with commas between, not ${told}`);
      }
    }
    if (servers.length === 0) this.problem(name, "names no server");
    return servers;
  }

  /** Notes that a setting is wrong. */
  problem(name: string, what: string): void {
    const isOfFile = !this.variables[name] && name in this.#file.settings;
    this.#problems.push(`${name}${isOfFile ? " in GATEWAY_CONFIG" : ""} ${what}`);
  }

  /** Throws a SettingsError where anything was wrong. */
  check(): void {
    if (this.#problems.length > 0) throw new SettingsError(`wrong settings: ${this.#problems.join("; ")}`);
  }

  #value(name: SettingName): string | undefined {
    return this.variables[name] || this.#file.settings[name];
  }
}
