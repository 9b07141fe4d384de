import type { MsgHdrs } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";
import type { TraceContext } from "../telemetry/trace-context.ts";
import { readTraceContext, writeTraceContext } from "../telemetry/trace-context.ts";

/** One command on its way to a processor. `data` is the protobuf request, passed on undecoded. */
export interface Command {
  /**
   * Unique in the log but for commands sent `once`. A message published twice under one id is stored once.
   */
  id: string;
  processor: string;
  /** An RPC's name, or a compound command's. */
  method: string;
  data: Uint8Array;
  /** Where the reply goes, if somebody waits. */
  replyTo?: string;
  /** Unix ms after which it must not be started any more; absent for asynchronous commands. */
  deadlineMs?: number;
  /** The ingestion that it belongs to. */
  ingestion?: string;
  /** Somebody will ask for what became of it: its outcome is kept. */
  store?: boolean;
  /** How its answer is worded, where its method leaves that open. */
  form?: string;
  /**
   * It was sent under an Idempotency-Key, from which its id comes: applied once, however often it stands in
   * the log.
   */
  once?: Once;
  /** Who has sent it. */
  sender?: string | undefined;
  /** The trace of the request that it came of. */
  trace?: TraceContext | undefined;
}

/** What is told apart of commands that were sent under one Idempotency-Key. */
export interface Once {
  /** A hash of what was asked for. */
  fingerprint: string;
  /** Unique to each sending. */
  attempt: string;
}

/** A command as it stands in its processor's log. */
export interface StoredCommand extends Command {
  sequence: number;
  /** Unix ms at which JetStream stored it, by the clock of its server; undefined of one that is replayed. */
  storedAtMs?: number;
}

/** A command as it was read from its processor's log. */
export type LoggedCommand = StoredCommand & Required<Pick<StoredCommand, "storedAtMs">>;

const commandHeaders = {
  method: "Kato-Method",
  replyTo: "Kato-Reply-To",
  deadline: "Kato-Deadline",
  ingestion: "Kato-Ingestion",
  store: "Kato-Store",
  form: "Kato-Form",
  once: "Kato-Once",
  sender: "Kato-Principal",
  id: "Nats-Msg-Id",
} as const;

/** The headers of a command's message; its data is the message's. */
export function headersOfCommand(command: Command): MsgHdrs {
  const all = headers();
  const { id, once } = command;
  // Sendings under one Idempotency-Key are messages of their own to NATS; the worker tells them apart.
  all.set(commandHeaders.id, once ? `${id}.${once.attempt}` : id);
  all.set(commandHeaders.method, command.method);
  if (command.replyTo !== undefined) all.set(commandHeaders.replyTo, command.replyTo);
  if (command.deadlineMs !== undefined) all.set(commandHeaders.deadline, String(command.deadlineMs));
  if (command.ingestion !== undefined) all.set(commandHeaders.ingestion, command.ingestion);
  if (command.store) all.set(commandHeaders.store, "1");
  if (command.form !== undefined) all.set(commandHeaders.form, command.form);
  if (once) all.set(commandHeaders.once, once.fingerprint);
  if (command.sender) all.set(commandHeaders.sender, command.sender);
  writeTraceContext(command.trace, (name, value) => all.set(name, value));
  return all;
}

/** What a stored message's headers say; whatever is missing reads as an empty id or method. */
export function commandOfMessage(
  processor: string,
  message: { seq: number; data: Uint8Array; headers?: MsgHdrs | undefined; time: Date },
): LoggedCommand {
  const header = (name: string) => message.headers?.get(name) ?? "";
  const replyTo = header(commandHeaders.replyTo);
  const deadlineMs = Number(header(commandHeaders.deadline));
  const ingestion = header(commandHeaders.ingestion);
  const form = header(commandHeaders.form);
  const fingerprint = header(commandHeaders.once);
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
    ...(ingestion !== "" && { ingestion }),
    ...(header(commandHeaders.store) !== "" && { store: true }),
    ...(form !== "" && { form }),
    ...(fingerprint !== "" && { once: { fingerprint, attempt } }),
    ...(sender !== "" && { sender }),
    ...(trace && { trace }),
    storedAtMs: message.time.getTime(),
  };
}
