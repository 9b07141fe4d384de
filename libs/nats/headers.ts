import type { MsgHdrs } from "@nats-io/transport-node";
import { InvalidArgumentError, MsgHdrsImpl } from "@nats-io/transport-node";

// The headers of a message, written and read all at once. `set` and `get` of nats.js go through all headers for each.

/** Headers by their names. A name or a value that has a line break throws an InvalidArgumentError. */
export function headersOf(values: Readonly<Record<string, string>>): MsgHdrs {
  const all: Record<string, string[]> = {};
  for (const name in values) {
    const value = values[name] ?? "";
    if (/[\r\n]/.test(value)) throw InvalidArgumentError.format(name, "has a line break");
    all[name] = [value];
  }
  return MsgHdrsImpl.fromRecord(all);
}

/** Reads headers by their names, as they were written; "" for one that is not there. */
export function headerReader(headers: MsgHdrs | undefined): (name: string) => string {
  if (headers instanceof MsgHdrsImpl) return (name) => headers.headers.get(name)?.[0] ?? "";
  return (name) => headers?.get(name) ?? "";
}
