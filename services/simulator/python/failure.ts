/**
 * A Python exception that KATO raises, and answers as `status: FAILED` (docs/kato.md, "Every RPC"). `type` is
 * the exception's class in Python, `message` its text.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly type: string;

  constructor(type: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.type = type;
  }
}

/**
 * The traceback that is the `message` of a failed call. Its last line is exactly KATO's. The lines before
 * only look like those of a traceback: nobody may rely on them.
 */
export function traceback(method: string, reason: unknown): string {
  const cause = reason instanceof Error ? reason.cause : undefined;
  const during = "During handling of the above exception, another exception occurred:";
  const before = cause === undefined ? "" : `${traceback(method, cause)}\n${during}\n\n`;
  const type = reason instanceof Failure ? reason.type : "Exception";
  const message = reason instanceof Error ? reason.message : String(reason);
  return [
    `${before}Traceback (most recent call last):`,
    `  File "/app/kato/workers/server.py", line 1, in ${method}`,
    `${type}: ${message}`.trimEnd(),
    "",
  ].join("\n");
}
