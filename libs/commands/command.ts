import type { MsgHdrs } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";

/** One command on its way to a processor. `data` is the protobuf request, passed on undecoded. */
export interface Command {
  /** Unique in the log: a message published twice under one id is stored once. */
  id: string;
  processor: string;
  /** An RPC's name, or a compound command's. */
  method: string;
  data: Uint8Array;
  /** Where the reply goes, if somebody waits. */
  replyTo?: string;
  /** Unix ms after which it must not be started any more; absent for asynchronous commands. */
  deadlineMs?: number;
}

/** A command as it stands in its processor's log. */
export interface StoredCommand extends Command {
  sequence: number;
}

const commandHeaders = {
  method: "Kato-Method",
  replyTo: "Kato-Reply-To",
  deadline: "Kato-Deadline",
  id: "Nats-Msg-Id",
} as const;

/** The headers of a command's message; its data is the message's. */
export function headersOfCommand(command: Command): MsgHdrs {
  const all = headers();
  all.set(commandHeaders.id, command.id);
  all.set(commandHeaders.method, command.method);
  if (command.replyTo !== undefined) all.set(commandHeaders.replyTo, command.replyTo);
  if (command.deadlineMs !== undefined) all.set(commandHeaders.deadline, String(command.deadlineMs));
  return all;
}

/** What a stored message's headers say; whatever is missing reads as an empty id or method. */
export function commandOfMessage(
  processor: string,
  message: { seq: number; data: Uint8Array; headers?: MsgHdrs | undefined },
): StoredCommand {
  const header = (name: string) => message.headers?.get(name) ?? "";
  const replyTo = header(commandHeaders.replyTo);
  const deadlineMs = Number(header(commandHeaders.deadline));
  return {
    id: header(commandHeaders.id),
    processor,
    method: header(commandHeaders.method),
    data: message.data,
    sequence: message.seq,
    ...(replyTo !== "" && { replyTo }),
    ...(deadlineMs > 0 && { deadlineMs }),
  };
}
