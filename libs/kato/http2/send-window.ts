import { flag, frame, headBytes, maxPayloadBytes, writeHead } from "./frames.ts";

/** What is left to be sent of a stream, and how much the other side has room for. */
interface Outgoing {
  rest: Buffer;
  room: number;
}

const initialBytes = 65_535;
const largestWindow = 0x7fff_ffff;

/**
 * Sends the requests of streams, as far as the other side has room for them (RFC 9113, 5.2). Each goes over the
 * socket in as few writes as possible, as a write costs more than all else that is done for a short request.
 */
export class SendWindow {
  readonly #write: (bytes: Buffer) => void;
  /** The streams whose requests are not sent as a whole. */
  readonly #outgoing = new Map<number, Outgoing>();
  #room = initialBytes;
  /** How much room a stream has at first. */
  #initialRoom = initialBytes;

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  /** Begins a stream with these headers, a frame, and this message. */
  begin(stream: number, headers: Buffer, message: Buffer): void {
    const outgoing = { rest: message, room: this.#initialRoom };
    this.#send(stream, outgoing, headers);
    if (outgoing.rest.length > 0) this.#outgoing.set(stream, outgoing);
  }

  /** Sends no more of a stream. Returns whether there was more to send. */
  forget(stream: number): boolean {
    return this.#outgoing.delete(stream);
  }

  /** The other side has room for more: of one stream, or on the whole if that is 0. */
  add(stream: number, bytes: number): void {
    const outgoing = this.#outgoing.get(stream);
    if (stream === 0) this.#room += bytes;
    else if (outgoing) outgoing.room += bytes;
    if (Math.max(this.#room, outgoing?.room ?? 0) > largestWindow)
      throw new RangeError("a window is too large");
    this.#sendAll();
  }

  /** Every stream has so much room at first, also those that have begun. */
  resize(bytes: number): void {
    if (bytes > largestWindow) throw new RangeError("a window is too large");
    for (const outgoing of this.#outgoing.values()) outgoing.room += bytes - this.#initialRoom;
    this.#initialRoom = bytes;
    this.#sendAll();
  }

  #sendAll(): void {
    for (const [stream, outgoing] of this.#outgoing) {
      this.#send(stream, outgoing);
      if (outgoing.rest.length === 0) this.#outgoing.delete(stream);
    }
  }

  /** Writes what there is room for, behind these bytes. */
  #send(stream: number, outgoing: Outgoing, before: Buffer = noBytes): void {
    const { rest, room } = outgoing;
    const length = Math.max(0, Math.min(rest.length, room, this.#room));
    const frames = Math.ceil(length / maxPayloadBytes);
    const bytes = Buffer.allocUnsafe(before.length + frames * headBytes + length);
    bytes.set(before);
    let at = before.length;
    for (let from = 0; from < length; from += maxPayloadBytes) {
      const content = rest.subarray(from, Math.min(from + maxPayloadBytes, length));
      const flags = from + content.length === rest.length ? flag.endStream : 0;
      writeHead(bytes, at, { length: content.length, type: frame.data, flags, stream });
      bytes.set(content, at + headBytes);
      at += headBytes + content.length;
    }
    outgoing.rest = rest.subarray(length);
    outgoing.room -= length;
    this.#room -= length;
    if (bytes.length > 0) this.#write(bytes);
  }
}

const noBytes = Buffer.alloc(0);
