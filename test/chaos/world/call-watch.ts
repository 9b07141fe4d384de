import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";

const prefaceBytes = 24;
const headersFrame = 1;

/** Stands between workers and an instance, and sees who calls: one HTTP/2 HEADERS frame to the instance is one call. */
export interface CallWatch {
  port: number;
  /** For each call, in order, the connection that it came over, counted from 1. */
  readonly callers: readonly number[];
  /** Does this as soon as the next call is seen; resolves then. */
  atNextCall(task: () => void): Promise<void>;
  close(): void;
}

export async function watchCalls(instancePort: number): Promise<CallWatch> {
  const callers: number[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let onCall = () => {};
  const server = createServer((client) => {
    const connection = ++connections;
    const instance = connect(instancePort, "127.0.0.1");
    for (const [socket, other] of [
      [client, instance],
      [instance, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => other.destroy());
    }
    const count = frameCounter((type) => {
      if (type !== headersFrame) return;
      callers.push(connection);
      onCall();
    });
    client.on("data", (bytes) => count(Buffer.from(bytes)));
    client.pipe(instance);
    instance.pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    callers,
    atNextCall: (task) =>
      new Promise((resolve) => {
        onCall = () => {
          onCall = () => {};
          task();
          resolve();
        };
      }),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Told of each frame of a client's half of an HTTP/2 connection. */
function frameCounter(onFrame: (type: number) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let skip = prefaceBytes;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const skipped = Math.min(skip, rest.length);
      rest = rest.subarray(skipped);
      skip -= skipped;
      if (rest.length < 9) return;
      onFrame(rest.readUInt8(3));
      skip = 9 + rest.readUIntBE(0, 3);
    }
  };
}
