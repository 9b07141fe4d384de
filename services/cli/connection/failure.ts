import { KatoError, unreachable } from "../../../libs/client/kato-error.ts";
import type { ExitCode } from "../terminal/cli-error.ts";
import { CliError, exitCodes } from "../terminal/cli-error.ts";

/** What to do next, by the code of a problem. */
const remedies: Record<string, string> = {
  UNAUTHENTICATED: "give a key that counts: --key-file, KATO_KEY, or kato context add",
  FORBIDDEN: "kato keys whoami says what this key may do",
  PROCESSOR_NOT_FOUND: "kato processors lists those that there are",
  COMMAND_NOT_FOUND: "kato log P shows what the log still has",
  DEAD_LETTER_NOT_FOUND: "kato dead-letters P lists them",
  KEY_NOT_FOUND: "kato keys lists them",
  STILL_QUEUED: "wait until they are applied, or add --force",
  PAUSED: "kato processors resume P",
  QUEUE_PAUSED: "kato processors resume P",
  HELD: "decide with kato processors adopt P, or kato processors rebuild P --from SEQUENCE",
  DEADLINE_PASSED: "try again, perhaps with a longer --wait",
  EFFECT_UNKNOWN: "kato command P ID tells what became of it",
  KEY_REUSED: "the file is another than the one that was begun: give --idempotency-key",
  HOST_NOT_EXPECTED: "call it by a name that GATEWAY_HOSTS has",
  NOT_OWNED: "start a worker: npm run worker",
  NO_GATEWAY: "say where the gateway is: --url, KATO_URL, or kato context add",
  NATS_UNAVAILABLE: "kato doctor tells what is wrong",
};

/** What a failure is to a script and to a person. */
export function failureOf(error: unknown): { exitCode: ExitCode; sentence: string } {
  if (error instanceof CliError) return { exitCode: error.exitCode, sentence: error.message };
  if (error instanceof KatoError) return { exitCode: exitCodeOf(error), sentence: sentenceOf(error) };
  const message = error instanceof Error ? error.message : String(error);
  return { exitCode: exitCodes.refused, sentence: message };
}

function exitCodeOf({ code, status, effect, retryable }: KatoError): ExitCode {
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (effect === "unknown") return exitCodes.unknown;
  const isAway = code === unreachable || status === 502 || status === 503 || status === 504 || status === 429;
  return isAway && retryable ? exitCodes.unreachable : exitCodes.refused;
}

function sentenceOf({ code, message, effect, retryAfterSeconds, problem }: KatoError): string {
  const what = message.replace(/[.\s]+$/, "");
  const reason = problem.reason && !what.includes(problem.reason) ? ` (${problem.reason})` : "";
  const next = [
    nextOf(code, effect, message),
    code !== unreachable && retryAfterSeconds ? `try again in ${retryAfterSeconds} s` : "",
  ];
  const place = problem.processor ?? "P";
  const remedy = next
    .filter(Boolean)
    .join("; ")
    .replace(/\bP\b/g, place)
    .replace(/\bID\b/, problem.command ?? "ID");
  return `${what}${reason}${remedy ? `: ${remedy}` : ""}`;
}

function nextOf(code: string, effect: string, message: string): string {
  if (code !== unreachable) return remedies[code] ?? "";
  if (/CERT|SIGNATURE/.test(message)) return "say who signs its certificate: --ca";
  return effect === "unknown"
    ? "it may have been applied; the same again with the same --idempotency-key does no harm"
    : "start it, or say where it is: --url, KATO_URL, or kato context add";
}
