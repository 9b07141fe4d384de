import type { JsMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { headerReader, headersOf } from "../../nats/headers.ts";
import { storedAtMsOf } from "../../nats/stored-at.ts";
import type { TraceContext } from "../../telemetry/trace-context.ts";
import { readTraceContext, writeTraceContext } from "../../telemetry/trace-context.ts";

/** A command for a processor, as it is sent. */
export interface Command {
  /**
   * The command's id. JetStream stores a message that is published twice under one id only once. Commands
   * with the same Idempotency-Key have the same id and are told apart by `once`; all other ids are unique in
   * the log.
   */
  id: string;
  processor: string;
  /** The name of an RPC or of a compound command (libs/kato/compound-commands.ts). */
  method: string;
  /** The protobuf request. It is passed on as it is. */
  data: Uint8Array;
  /** The NATS subject for the reply. Absent if nobody waits for one. */
  replyTo?: string;
  /**
   * Unix ms by the gateway's clock. The command must not be started after it. Absent if nobody waits. It
   * counts only for commands without `waitMs`, which are those of older gateways.
   */
  deadlineMs?: number;
  /**
   * For how long after JetStream has stored it the command may be started. So the clocks of the gateway and
   * of the worker are never compared. Absent if nobody waits.
   */
  waitMs?: number;
  /** The id of the ingestion that it belongs to. */
  ingestion?: string;
  /** Whether its outcome is kept, so that somebody can ask for it later. */
  store?: boolean;
  /** How the gateway words the answer, if there is a choice for this method. */
  form?: string;
  /** Present if it was sent under an Idempotency-Key: it is applied once, however often it is in the log. */
  once?: KeyUse;
  /** Who sent it, as shown to operators. */
  sender?: string | undefined;
  /** The trace of the HTTP request that it comes from. */
  trace?: TraceContext | undefined;
}

/** One use of an Idempotency-Key. */
export interface KeyUse {
  /** A hash of the request. The key must not be used for another request. */
  fingerprint: string;
  /**
   * A hash of the request that is the same in whichever order the entries of its maps come. Absent if there
   * is only one order, and in commands of older gateways.
   */
  anyOrder?: string;
  /** Unique for each time that the request is sent under the key. */
  attempt: string;
}

/** A command with its place in the log. */
export interface StoredCommand extends Command {
  sequence: number;
  /**
   * Unix ms at which JetStream stored it, by the clock of the server. Absent for a command that is replayed.
   */
  storedAtMs?: number;
}

/** A command as it is read from the log, where the time is always known. */
export type LoggedCommand = StoredCommand & Required<Pick<StoredCommand, "storedAtMs">>;

const commandHeaders = {
  method: "Kato-Method",
  replyTo: "Kato-Reply-To",
  deadline: "Kato-Deadline",
  wait: "Kato-Wait",
  ingestion: "Kato-Ingestion",
  store: "Kato-Store",
  form: "Kato-Form",
  once: "Kato-Once",
  anyOrder: "Kato-Once-Any-Order",
  sender: "Kato-Principal",
  id: "Nats-Msg-Id",
} as const;

/**
 * The headers of the message for a command (docs/architecture.md, "Commands"), and `more` that JetStream reads. The
 * command's data is the message's data.
 */
export function headersOfCommand(command: Command, more?: Readonly<Record<string, string>>): MsgHdrs {
  const { id, once } = command;
  const all: Record<string, string> = {
    // With the attempt in the message id, JetStream stores every attempt under an Idempotency-Key. The worker
    // applies only one.
    [commandHeaders.id]: once ? `${id}.${once.attempt}` : id,
    [commandHeaders.method]: command.method,
  };
  if (command.replyTo !== undefined) all[commandHeaders.replyTo] = command.replyTo;
  if (command.deadlineMs !== undefined) all[commandHeaders.deadline] = String(command.deadlineMs);
  if (command.waitMs !== undefined) all[commandHeaders.wait] = String(command.waitMs);
  if (command.ingestion !== undefined) all[commandHeaders.ingestion] = command.ingestion;
  if (command.store) all[commandHeaders.store] = "1";
  if (command.form !== undefined) all[commandHeaders.form] = command.form;
  if (once) all[commandHeaders.once] = once.fingerprint;
  if (once?.anyOrder !== undefined) all[commandHeaders.anyOrder] = once.anyOrder;
  if (command.sender) all[commandHeaders.sender] = command.sender;
  writeTraceContext(command.trace, (name, value) => {
    all[name] = value;
  });
  return headersOf(more ? Object.assign(all, more) : all);
}

/** A message of the log, as a consumer delivers it, or as the stream tells it. */
type LogMessage = { seq: number; data: Uint8Array; headers?: MsgHdrs | undefined } & (
  | Pick<JsMsg, "timestampNanos">
  | { timestampNanos?: undefined; time: Date }
);

/** The command in a message of the log. If its headers are missing, its id and its method are "". */
export function commandOfMessage(processor: string, message: LogMessage): LoggedCommand {
  const header = headerReader(message.headers);
  const replyTo = header(commandHeaders.replyTo);
  const deadlineMs = Number(header(commandHeaders.deadline));
  const wait = header(commandHeaders.wait);
  const ingestion = header(commandHeaders.ingestion);
  const form = header(commandHeaders.form);
  const fingerprint = header(commandHeaders.once);
  const anyOrder = header(commandHeaders.anyOrder);
  const [id = "", attempt = ""] = fingerprint
    ? header(commandHeaders.id).split(".")
    : [header(commandHeaders.id)];
  const sender = header(commandHeaders.sender);
  const trace = readTraceContext(header);
  return {
    id,
    processor,
    method: header(commandHeaders.method),
    data: message.data,
    sequence: message.seq,
    ...(replyTo !== "" && { replyTo }),
    ...(deadlineMs > 0 && { deadlineMs }),
    ...(/^\d+$/.test(wait) && { waitMs: Number(wait) }),
    ...(ingestion !== "" && { ingestion }),
    ...(header(commandHeaders.store) !== "" && { store: true }),
    ...(form !== "" && { form }),
    ...(fingerprint !== "" && { once: { fingerprint, attempt, ...(anyOrder !== "" && { anyOrder }) } }),
    ...(sender !== "" && { sender }),
    ...(trace && { trace }),
    storedAtMs: message.timestampNanos === undefined ? message.time.getTime() : storedAtMsOf(message),
  };
}

/** The time, as a worker knows it (Unix ms): by its own clock, and by JetStream's. */
export interface Times {
  unixMs(): number;
  storeMs(): number;
}

/** Whether the client of a command has stopped waiting, so that the command must not be started any more. */
export function isOverdue({ deadlineMs, waitMs, storedAtMs }: StoredCommand, times: Times): boolean {
  if (waitMs !== undefined && storedAtMs !== undefined) return times.storeMs() > storedAtMs + waitMs;
  return deadlineMs !== undefined && times.unixMs() > deadlineMs;
}
