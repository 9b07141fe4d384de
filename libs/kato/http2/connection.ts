import type { Duplex } from "node:stream";
import type { Frame } from "./frames.ts";
import { contentOf, FrameReader, flag, frame, frameBytes, numberFrame } from "./frames.ts";
import type { HeaderFields } from "./hpack.ts";
import { HeaderReader } from "./hpack.ts";
import { SendWindow } from "./send-window.ts";

/** What is told of a connection and its streams. */
export interface StreamEvents {
  /** The server has said that it speaks HTTP/2. From now on streams may be begun. */
  opened(): void;
  /** Header fields have come. `isEnd` says that nothing else will. */
  fields(stream: number, fields: HeaderFields, isEnd: boolean): void;
  data(stream: number, content: Buffer, isEnd: boolean): void;
  /** The server has broken a stream off. */
  reset(stream: number, code: number): void;
  /** The server takes no more streams, and none above the last one. */
  goAway(last: number): void;
  /** The connection is gone. */
  closed(why: string): void;
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const setting = { enablePush: 2, initialWindowSize: 4 } as const;
const cancelled = 8;
const initialWindowBytes = 65_535;
/** A stream may get a whole response without being given more room, and the connection several of them. */
const streamWindowBytes = 8 * 1024 * 1024;
const connectionWindowBytes = 32 * 1024 * 1024;
const maxHeaderFrames = 16;

/** The highest number that a stream can have. */
export const lastStream = 0x7fff_ffff;

/**
 * The client's side of an HTTP/2 connection (RFC 9113), as far as unary calls need it: the server may begin no
 * streams, there are no priorities, and headers are sent uncompressed. What is not as the RFC has it closes the
 * connection.
 */
export class Http2Connection {
  readonly #socket: Duplex;
  readonly #events: StreamEvents;
  readonly #frames = new FrameReader();
  readonly #headers = new HeaderReader();
  readonly #window: SendWindow;
  /** A header block of which more is to come. */
  #partial: { stream: number; isEnd: boolean; parts: Buffer[] } | undefined;
  #isOpen = false;
  /** How much was received since the server was last given room. */
  #receivedBytes = 0;
  #problem: string | undefined;

  /** Begins over a socket that is connected. */
  constructor(socket: Duplex, events: StreamEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#window = new SendWindow((bytes) => socket.write(bytes));
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    // A server that has ended its side cannot answer any more.
    socket.on("end", () => socket.destroy());
    socket.on("error", () => {});
    socket.on("close", () => events.closed(this.#problem ?? "the connection is lost"));
    const ours = Buffer.alloc(12);
    ours.writeUInt16BE(setting.enablePush, 0);
    ours.writeUInt16BE(setting.initialWindowSize, 6);
    ours.writeUInt32BE(streamWindowBytes, 8);
    const room = numberFrame(frame.windowUpdate, 0, connectionWindowBytes - initialWindowBytes);
    socket.write(Buffer.concat([preface, frameBytes(frame.settings, 0, 0, ours), room]));
  }

  /**
   * Begins a stream: sends these header fields (`headerBlock`) and this message, and ends this side of it. They are
   * written before this returns, as far as the server has room.
   */
  send(stream: number, fields: Buffer, message: Buffer): void {
    this.#window.begin(stream, frameBytes(frame.headers, flag.endHeaders, stream, fields), message);
  }

  /** Breaks a stream off. Nothing is told of it any more, but what has come already. */
  cancel(stream: number): void {
    this.#window.forget(stream);
    this.#socket.write(numberFrame(frame.reset, stream, cancelled));
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      this.#frames.read(chunk, (each) => this.#take(each));
      this.#giveRoom();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#problem = `what is received is not HTTP/2: ${error.message}`;
      this.#socket.destroy();
    }
  }

  #take(each: Frame): void {
    const { type, flags, stream, payload } = each;
    if (this.#partial && (type !== frame.continuation || stream !== this.#partial.stream)) {
      throw new RangeError("a header block is interrupted");
    }
    if (!this.#isOpen && type !== frame.settings) throw new RangeError("it does not begin with SETTINGS");
    const isEnd = (flags & flag.endStream) !== 0;
    if (type === frame.data) {
      this.#receivedBytes += payload.length;
      if (isEnd) this.#endSending(stream);
      this.#events.data(stream, contentOf(each), isEnd);
    } else if (type === frame.headers) {
      this.#partial = { stream, isEnd, parts: [] };
      this.#takeHeaders(contentOf(each), flags);
    } else if (type === frame.continuation) this.#takeHeaders(payload, flags);
    else if (type === frame.reset) {
      this.#window.forget(stream);
      this.#events.reset(stream, numberIn(payload));
    } else if (type === frame.settings) this.#takeSettings(each);
    else if (type === frame.ping) {
      if ((flags & flag.ack) === 0) this.#socket.write(frameBytes(frame.ping, flag.ack, 0, payload));
    } else if (type === frame.goAway) this.#events.goAway(numberIn(payload) & lastStream);
    else if (type === frame.windowUpdate) this.#window.add(stream, numberIn(payload) & lastStream);
    else if (type === frame.push) throw new RangeError("PUSH_PROMISE was not allowed");
  }

  #takeHeaders(part: Buffer, flags: number): void {
    const block = this.#partial;
    if (!block) throw new RangeError("no header block is to go on");
    block.parts.push(part);
    if ((flags & flag.endHeaders) === 0) {
      if (block.parts.length >= maxHeaderFrames) throw new RangeError("a header block is too large");
      return;
    }
    this.#partial = undefined;
    // It has to be read even if nobody waits for it: later ones may refer to it.
    const fields = this.#headers.read(block.parts.length === 1 ? part : Buffer.concat(block.parts));
    if (block.isEnd) this.#endSending(block.stream);
    this.#events.fields(block.stream, fields, block.isEnd);
  }

  /** The server has answered. It may have done so before it had the whole message. */
  #endSending(stream: number): void {
    if (this.#window.forget(stream)) this.cancel(stream);
  }

  #takeSettings({ flags, payload }: Frame): void {
    if (flags & flag.ack) return;
    if (payload.length % 6 !== 0) throw new RangeError("SETTINGS break off");
    for (let at = 0; at < payload.length; at += 6) {
      const isWindow = payload.readUInt16BE(at) === setting.initialWindowSize;
      if (isWindow) this.#window.resize(payload.readUInt32BE(at + 2));
    }
    this.#socket.write(frameBytes(frame.settings, flag.ack, 0, noBytes));
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#events.opened();
  }

  #giveRoom(): void {
    if (this.#receivedBytes < connectionWindowBytes / 2) return;
    this.#socket.write(numberFrame(frame.windowUpdate, 0, this.#receivedBytes));
    this.#receivedBytes = 0;
  }
}

const noBytes = Buffer.alloc(0);

function numberIn(payload: Buffer): number {
  if (payload.length < 4) throw new RangeError("a frame breaks off");
  return payload.readUInt32BE();
}
