/** What the command line reads from the environment (docs/cli.md). No service has these as settings. */
export const clientVariables = ["KATO_URL", "KATO_KEY"] as const;

/** All variables of this process. */
export function processVariables(): Readonly<Record<string, string | undefined>> {
  return process.env;
}
