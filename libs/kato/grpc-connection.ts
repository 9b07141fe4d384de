import type { Duplex } from "node:stream";
import type { TraceContext } from "../telemetry/trace-context.ts";
import { writeTraceContext } from "../telemetry/trace-context.ts";
import { grpcStatus } from "./grpc-status.ts";
import { Http2Connection, lastStream } from "./http2/connection.ts";
import type { HeaderFields } from "./http2/hpack.ts";
import { headerBlock } from "./http2/hpack.ts";
import { maxMessageBytes } from "./rpcs.ts";
import type { CallResult } from "./unary-call.ts";
import { prefixBytes, resultOf, unseen } from "./unary-call.ts";

/** What a call sends. */
export interface UnaryRequest {
  /** The gRPC path, for example `/kato_proc.KatoEngine/Observe`. */
  path: string;
  bytes: Uint8Array;
  timeoutMs: number;
  /** Sent along as metadata. */
  trace?: TraceContext | undefined;
  /**
   * Asked just before the message is written. If it says no, the call ends as `not-sent`, because KATO does
   * not begin without the message.
   */
  mayWrite?: (() => boolean) | undefined;
}

/** A call under way. */
interface Call {
  resolve: (result: CallResult) => void;
  timer: NodeJS.Timeout;
  /** The fields with which the answer begins. */
  head: HeaderFields | undefined;
  body: Buffer[];
  bodyBytes: number;
}

const noFields: HeaderFields = new Map();

/**
 * A connection for unary calls of gRPC (docs/decisions/0035).
 *
 * States: *opening* (until the server has said that it speaks HTTP/2), *open*, *retired* (the calls under way go on,
 * and there are no new ones), *closed*. A call whose end was not seen by then is `unseen`. So is one whose answer is
 * not as gRPC has it: a mistake of either side costs a reconciling, and nothing else (A3).
 */
export class GrpcConnection {
  /** Resolves to true once it is open, or to false once it is closed. */
  readonly opened: Promise<boolean>;
  /** Resolves once it takes no more calls. */
  readonly retired: Promise<void>;
  readonly closed: Promise<void>;
  readonly #http2: Http2Connection;
  readonly #target: { scheme: string; authority: string };
  readonly #calls = new Map<number, Call>();
  /** The header blocks of requests, without a trace, by their paths. */
  readonly #blocks = new Map<string, Buffer>();
  readonly #onOpened: (isOpen: boolean) => void;
  readonly #onRetired: () => void;
  #isOpen = false;
  #nextStream = 1;

  /** Begins over a socket that is connected. `authority` is what the server is called. */
  constructor(socket: Duplex, target: { scheme: "http" | "https"; authority: string }) {
    this.#target = target;
    const opened = Promise.withResolvers<boolean>();
    const retired = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    [this.opened, this.#onOpened] = [opened.promise, opened.resolve];
    [this.retired, this.#onRetired] = [retired.promise, retired.resolve];
    this.closed = closed.promise;
    this.#http2 = new Http2Connection(socket, {
      opened: () => {
        this.#isOpen = true;
        this.#onOpened(true);
      },
      fields: (stream, fields, isEnd) => this.#takeFields(stream, fields, isEnd),
      data: (stream, content, isEnd) => this.#takeData(stream, content, isEnd),
      reset: (stream, code) => this.#end(stream, unavailable(`RST_STREAM with the code ${code}`)),
      goAway: (last) => {
        for (const stream of this.#calls.keys()) {
          if (stream > last) this.#end(stream, unavailable("the server has sent a GOAWAY before"));
        }
        this.retire();
      },
      closed: (why) => {
        this.#endAll(unavailable(why));
        closed.resolve();
      },
    });
  }

  /** Whether a call may be made. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Makes a call, and resolves to how it ended, after `timeoutMs` at the latest. Never rejects. The request is
   * written before this returns, as far as the server has room for it.
   */
  call({ path, bytes, timeoutMs, trace, mayWrite }: UnaryRequest): Promise<CallResult> {
    const stream = this.#nextStream;
    if (stream === lastStream) this.retire();
    if (!this.#isOpen) return Promise.resolve(notSent("not connected"));
    if (bytes.length > maxMessageBytes) return Promise.resolve(tooLarge("request"));
    const block = this.#blockOf(path, trace);
    const message = Buffer.allocUnsafe(prefixBytes + bytes.length);
    message[0] = 0;
    message.writeUInt32BE(bytes.length, 1);
    message.set(bytes, prefixBytes);
    if (mayWrite && !mayWrite()) return Promise.resolve(notSent("refused before it was written"));
    this.#nextStream += 2;
    const { promise, resolve } = Promise.withResolvers<CallResult>();
    const giveUp = () => {
      this.#cancel(stream, unseen(grpcStatus.DEADLINE_EXCEEDED, `no answer in ${timeoutMs} ms`));
    };
    const timer = setTimeout(giveUp, timeoutMs);
    this.#calls.set(stream, { resolve, timer, head: undefined, body: [], bodyBytes: 0 });
    this.#http2.send(stream, block, message);
    return promise;
  }

  /** Takes no more calls. It closes once those under way have ended. */
  retire(): void {
    this.#isOpen = false;
    this.#onOpened(false);
    this.#onRetired();
    if (this.#calls.size === 0) this.#http2.close();
  }

  /** Closes it. Calls under way end as `unseen`. */
  close(details: string): void {
    this.#endAll(unseen(grpcStatus.CANCELLED, details));
  }

  #blockOf(path: string, trace: TraceContext | undefined): Buffer {
    let block = this.#blocks.get(path);
    if (!block) {
      const { scheme, authority } = this.#target;
      block = headerBlock([
        [":method", "POST"],
        [":scheme", scheme],
        [":path", path],
        [":authority", authority],
        ["te", "trailers"],
        ["content-type", "application/grpc"],
        ["user-agent", "kato-gateway"],
      ]);
      this.#blocks.set(path, block);
    }
    if (!trace) return block;
    const fields: [string, string][] = [];
    writeTraceContext(trace, (name, value) => fields.push([name, value]));
    return Buffer.concat([block, headerBlock(fields)]);
  }

  #takeFields(stream: number, fields: HeaderFields, isEnd: boolean): void {
    const call = this.#calls.get(stream);
    if (!call) return;
    if (isEnd) this.#end(stream, resultOf(call.head ?? fields, fields, bodyOf(call)));
    // What begins with 1 is followed by another head.
    else if (!fields.get(":status")?.startsWith("1")) call.head ??= fields;
  }

  #takeData(stream: number, content: Buffer, isEnd: boolean): void {
    const call = this.#calls.get(stream);
    if (!call) return;
    call.body.push(content);
    call.bodyBytes += content.length;
    if (call.bodyBytes > prefixBytes + maxMessageBytes) this.#cancel(stream, tooLarge("response"));
    else if (isEnd) this.#end(stream, resultOf(call.head ?? noFields, noFields, noBytes));
  }

  /** Ends a call, and tells the server that nobody waits for its answer. */
  #cancel(stream: number, result: CallResult): void {
    this.#http2.cancel(stream);
    this.#end(stream, result);
  }

  #end(stream: number, result: CallResult): void {
    const call = this.#calls.get(stream);
    if (!call) return;
    clearTimeout(call.timer);
    this.#calls.delete(stream);
    call.resolve(result);
    if (!this.#isOpen && this.#calls.size === 0) this.#http2.close();
  }

  #endAll(result: CallResult): void {
    this.retire();
    for (const stream of this.#calls.keys()) this.#end(stream, result);
  }
}

const noBytes = Buffer.alloc(0);

function bodyOf({ body }: Call): Buffer {
  const [first = noBytes] = body;
  return body.length === 1 ? first : Buffer.concat(body);
}

function unavailable(details: string): CallResult {
  return unseen(grpcStatus.UNAVAILABLE, details);
}

function notSent(details: string): CallResult {
  return { kind: "not-sent", status: grpcStatus.UNAVAILABLE, details };
}

function tooLarge(what: string): CallResult {
  const details = `the ${what} is larger than ${maxMessageBytes} bytes`;
  return { kind: "answered", status: grpcStatus.RESOURCE_EXHAUSTED, details };
}
