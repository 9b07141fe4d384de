import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { connect, constants } from "node:http2";
import type { Socket } from "node:net";
import type { TraceContext } from "../telemetry/trace-context.ts";
import { writeTraceContext } from "../telemetry/trace-context.ts";
import { grpcStatus } from "./grpc-status.ts";
import { maxMessageBytes } from "./rpcs.ts";
import type { CallResult, HeaderFields } from "./unary-call.ts";
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
  stream: ClientHttp2Stream;
  resolve: (result: CallResult) => void;
  timer: NodeJS.Timeout;
  /** The fields with which the answer begins. */
  head: HeaderFields;
  /** Those with which it ends. An answer without a body has the same. */
  trailers: HeaderFields | undefined;
  body: Buffer[];
  bodyBytes: number;
}

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM } = constants;

/** A stream may get a whole response without being given more room, and the connection several of them. */
const streamWindowBytes = 8 * 1024 * 1024;
const connectionWindowBytes = 32 * 1024 * 1024;
const settings = { enablePush: false, initialWindowSize: streamWindowBytes };

/**
 * A connection for unary calls of gRPC, over Node's HTTP/2 (docs/decisions/0035).
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
  readonly #socket: Socket;
  readonly #session: ClientHttp2Session;
  readonly #target: { scheme: "http" | "https"; authority: string };
  readonly #calls = new Set<Call>();
  /** The headers of requests, without a trace, by their paths. */
  readonly #headers = new Map<string, readonly string[]>();
  readonly #onOpened: (isOpen: boolean) => void;
  readonly #onRetired: () => void;
  #isOpen = false;

  /** Begins over a socket that is connected. `authority` is what the server is called. */
  constructor(socket: Socket, target: { scheme: "http" | "https"; authority: string }) {
    this.#target = target;
    this.#socket = socket;
    const opened = Promise.withResolvers<boolean>();
    const retired = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    [this.opened, this.#onOpened] = [opened.promise, opened.resolve];
    [this.retired, this.#onRetired] = [retired.promise, retired.resolve];
    this.closed = closed.promise;
    // Node asks for an authority of its own, which no request uses.
    this.#session = connect("http://instance", { settings, createConnection: () => socket });
    this.#session.setLocalWindowSize(connectionWindowBytes);
    // A call under way has a timer. Nothing else here keeps the process running.
    this.#session.unref();
    this.#session.once("remoteSettings", () => {
      this.#isOpen = true;
      this.#onOpened(true);
    });
    this.#session.on("goaway", () => this.retire());
    this.#session.on("error", () => {});
    this.#session.on("close", () => {
      this.#endAll(unavailable(lost));
      closed.resolve();
    });
  }

  /** Whether a call may be made. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#session.closed && !this.#session.destroyed;
  }

  /**
   * Makes a call, and resolves to how it ended, after `timeoutMs` at the latest. Never rejects. The request is
   * given to Node's HTTP/2 before this returns. That writes it to the socket at the end of this round of the event
   * loop, as far as the server has room for it.
   */
  call({ path, bytes, timeoutMs, trace, mayWrite }: UnaryRequest): Promise<CallResult> {
    if (!this.isOpen) return Promise.resolve(notSent("not connected"));
    // Node would keep the call until another one ends, and write it only then.
    const { maxConcurrentStreams = Number.POSITIVE_INFINITY } = this.#session.remoteSettings;
    if (this.#calls.size >= maxConcurrentStreams) return Promise.resolve(notSent("too many calls at once"));
    if (bytes.length > maxMessageBytes) return Promise.resolve(tooLarge("request"));
    const headers = this.#headersOf(path, trace);
    const message = Buffer.allocUnsafe(prefixBytes + bytes.length);
    message[0] = 0;
    message.writeUInt32BE(bytes.length, 1);
    message.set(bytes, prefixBytes);
    if (mayWrite && !mayWrite()) return Promise.resolve(notSent("refused before it was written"));
    const stream = this.#session.request(headers, requestOptions);
    stream.end(message);
    const { promise, resolve } = Promise.withResolvers<CallResult>();
    const giveUp = () =>
      this.#cancel(call, unseen(grpcStatus.DEADLINE_EXCEEDED, `no answer in ${timeoutMs} ms`));
    // Where this process stood still, the answer may wait in the socket, which is read after the timers.
    const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
    const call: Call = { stream, resolve, timer, head: {}, trailers: undefined, body: [], bodyBytes: 0 };
    this.#calls.add(call);
    this.#follow(call);
    return promise;
  }

  /** Takes no more calls. It closes once those under way have ended. */
  retire(): void {
    this.#isOpen = false;
    this.#onOpened(false);
    this.#onRetired();
    if (this.#calls.size === 0) this.#socket.destroy();
  }

  /** Closes it. Calls under way end as `unseen`. */
  close(details: string): void {
    this.#endAll(unseen(grpcStatus.CANCELLED, details));
  }

  #headersOf(path: string, trace: TraceContext | undefined): readonly string[] {
    let headers = this.#headers.get(path);
    if (!headers) {
      const { scheme, authority } = this.#target;
      headers = [
        ...[":method", "POST", ":scheme", scheme, ":path", path, ":authority", authority],
        ...["te", "trailers", "content-type", "application/grpc", "user-agent", "kato-gateway"],
      ];
      this.#headers.set(path, headers);
    }
    if (!trace) return headers;
    const withTrace = [...headers];
    writeTraceContext(trace, (name, value) => withTrace.push(name, value));
    return withTrace;
  }

  #follow(call: Call): void {
    const { stream } = call;
    stream.on("response", (fields, flags) => {
      call.head = fields;
      if (flags & NGHTTP2_FLAG_END_STREAM) call.trailers = fields;
    });
    stream.on("data", (content: Buffer) => {
      call.body.push(content);
      call.bodyBytes += content.length;
      if (call.bodyBytes > prefixBytes + maxMessageBytes) this.#cancel(call, tooLarge("response"));
    });
    stream.on("trailers", (fields) => {
      call.trailers = fields;
    });
    stream.on("end", () => {
      // A stream that was broken off ends too, and is destroyed before.
      if (stream.destroyed) return;
      this.#end(call, resultOf(call.head, call.trailers ?? {}, bodyOf(call)));
      // The server may have answered before it had the whole message.
      if (!stream.writableFinished) stream.close(NGHTTP2_CANCEL);
    });
    stream.on("close", () => {
      const { head, trailers } = call;
      const why = this.#session.destroyed ? lost : `RST_STREAM with the code ${stream.rstCode}`;
      // Its end may have come just before the stream was reset.
      this.#end(call, trailers ? resultOf(head, trailers, bodyOf(call)) : unavailable(why));
    });
    stream.on("error", () => {});
  }

  /** Ends a call, and tells the server that nobody waits for its answer. */
  #cancel(call: Call, result: CallResult): void {
    if (!this.#calls.has(call)) return;
    call.stream.close(NGHTTP2_CANCEL);
    this.#end(call, result);
  }

  #end(call: Call, result: CallResult): void {
    if (!this.#calls.delete(call)) return;
    clearTimeout(call.timer);
    call.resolve(result);
    if (!this.#isOpen && this.#calls.size === 0) this.#socket.destroy();
  }

  #endAll(result: CallResult): void {
    this.retire();
    for (const call of this.#calls) this.#end(call, result);
  }
}

const requestOptions = { endStream: false };
const lost = "the connection is lost";
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
