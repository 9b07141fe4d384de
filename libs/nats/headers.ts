import type { MsgHdrs } from "@nats-io/transport-node";
import { InvalidArgumentError, MsgHdrsImpl } from "@nats-io/transport-node";

// The headers of a message, written and read all at once. The ones of nats.js are a map of lists. To fill one and to go
// through it again takes longer than the rest of a publish.

/**
 * Headers by their names, for one publish. To read them or to set others throws. A value that has a line break throws
 * an InvalidArgumentError.
 */
export function headersOf(values: Readonly<Record<string, string>>): MsgHdrs {
  let text = "NATS/1.0\r\n";
  for (const name in values) {
    const value = values[name] ?? "";
    if (/[\r\n]/.test(value)) throw InvalidArgumentError.format(name, "has a line break");
    text += `${name}: ${value}\r\n`;
  }
  return new HeadersAsText(`${text}\r\n`);
}

const onlyForPublishing = "These headers were made for one publish.";

class HeadersAsText extends MsgHdrsImpl {
  readonly #text: string;

  constructor(text: string) {
    super();
    this.#text = text;
  }

  /** The bytes are of Node's pool. nats.js allocates memory for each message. */
  override encode(): Uint8Array {
    return Buffer.from(this.#text);
  }

  /** What reads or changes headers looks for their names first. */
  override keys(): string[] {
    throw new Error(onlyForPublishing);
  }
}

/** Reads headers by their names, as they were written; "" for one that is not there. */
export function headerReader(headers: MsgHdrs | undefined): (name: string) => string {
  if (headers instanceof HeadersAsText) throw new Error(onlyForPublishing);
  if (headers instanceof MsgHdrsImpl) return (name) => headers.headers.get(name)?.[0] ?? "";
  return (name) => headers?.get(name) ?? "";
}
