/** What scripts go by (docs/cli.md, Exit codes). */
export const exitCodes = {
  done: 0,
  /** Refused, and nothing was changed. */
  refused: 1,
  /** The command line is wrong, or a file that it names. */
  usage: 2,
  /** Out of reach: trying again can help. */
  unreachable: 3,
  /** Nobody can say whether it had an effect. */
  unknown: 4,
  /** The key may not do that, or does not count. */
  notAllowed: 5,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends a command with one sentence and a code. An empty sentence says nothing more. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function usage(message: string): CliError {
  return new CliError(exitCodes.usage, message);
}
