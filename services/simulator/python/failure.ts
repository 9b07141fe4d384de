/**
 * What KATO answers as `status: FAILED`: `type` is the Python exception's class, the message its text. docs/kato.md ("Every RPC").
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly type: string;

  constructor(type: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.type = type;
  }
}

/** The text of a failed call. Only its last line is as KATO has it; the lines before merely look alike. */
export function traceback(method: string, reason: unknown): string {
  const cause = reason instanceof Error ? reason.cause : undefined;
  const before =
    cause === undefined
      ? ""
      : `${traceback(method, cause)}\nDuring handling of the above exception, another exception occurred:\n\n`;
  const type = reason instanceof Failure ? reason.type : "Exception";
  const message = reason instanceof Error ? reason.message : String(reason);
  return [
    `${before}Traceback (most recent call last):`,
    `  File "/app/kato/workers/server.py", line 1, in ${method}`,
    `${type}: ${message}`.trimEnd(),
    "",
  ].join("\n");
}
