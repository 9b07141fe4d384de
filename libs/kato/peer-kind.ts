import { connect, isIPv6 } from "node:net";
import { addressOf } from "./address.ts";

/** How an HTTP/2 connection begins, and an empty SETTINGS frame (RFC 9113, 3.4). */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");

/** What other servers begin their answer with. Where none fits and it is not HTTP/2, it is something else. */
const beginnings = [
  { text: "HTTP/", kind: "an HTTP/1.1 server, perhaps a REST port" },
  { text: "INFO {", kind: "a NATS server" },
  { text: "\x15\x03", kind: "a TLS server, which needs grpc_tls" },
  { text: "SSH-", kind: "an SSH server" },
];

const settingsFrame = 0x04;
const enoughBytes = 9;
/** How long is waited for the first bytes of what answers at the endpoint and is not gRPC. */
const waitMs = 1_000;
const lookEveryMs = 10_000;

/** What answers at an endpoint where no gRPC server does. It is found out when somebody asks for it. */
export class Peer {
  readonly #port: number;
  #kind: string | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(endpoint: string) {
    this.#port = addressOf(endpoint).port;
  }

  /** In words for people; undefined if it is gRPC, says nothing, or was not looked at yet. */
  get kind(): string | undefined {
    return this.#kind;
  }

  /** Looks what answers at these addresses of the endpoint, every 10 s at most. It is not waited for. */
  look(addresses: readonly string[]): void {
    const now = performance.now();
    if (now - this.#lookedAt < lookEveryMs) return;
    this.#lookedAt = now;
    const kinds = addresses.map((address) => peerKind(withPort(address, this.#port), waitMs));
    void Promise.all(kinds).then((all) => {
      this.#kind = all.find((kind) => kind !== undefined);
    });
  }
}

/** An address and a port as one text, an IPv6 address in brackets. */
function withPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * What answers at an endpoint (`host:port`), in words for people. Undefined if it answers as gRPC does, or
 * says nothing within `timeoutMs`. Never rejects.
 */
export function peerKind(endpoint: string, timeoutMs: number): Promise<string | undefined> {
  const socket = connect(addressOf(endpoint));
  let answer = Buffer.alloc(0);
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(kindOf(answer));
    };
    const timer = setTimeout(end, timeoutMs);
    socket
      .on("connect", () => socket.write(preface))
      .on("data", (chunk) => {
        answer = Buffer.concat([answer, chunk]);
        if (answer.length >= enoughBytes) end();
      })
      .on("error", end)
      .on("close", end);
  });
}

function kindOf(answer: Buffer): string | undefined {
  if (answer.length === 0) return undefined;
  if (answer.length >= enoughBytes && answer[3] === settingsFrame) return undefined;
  const text = answer.toString("latin1");
  const known = beginnings.find((beginning) => text.startsWith(beginning.text));
  return known?.kind ?? "something that is not gRPC";
}
