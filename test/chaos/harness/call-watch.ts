import { startTcpProxy } from "../../fixtures/tcp-proxy.ts";

const prefaceBytes = 24;
const frameHeadBytes = 9;
const headersFrame = 1;

/**
 * A proxy between the workers and an instance that sees who calls. It counts frames: each call is one HEADERS
 * frame of HTTP/2 that a worker sends.
 */
export interface CallWatch {
  readonly port: number;
  /** For each call, in order, the connection that it came over, counted from 1. */
  readonly callers: readonly number[];
  /** Does this as soon as the next call is seen, before the instance sees it. Resolves then. */
  atNextCall(task: () => void): Promise<void>;
  stop(): Promise<void>;
}

export async function watchCalls(instancePort: number): Promise<CallWatch> {
  const callers: number[] = [];
  const readers = new Map<number, (bytes: Buffer) => void>();
  let onCall = () => {};
  const proxy = await startTcpProxy(instancePort, (connection, bytes) => {
    const read = readers.get(connection) ?? frameReader((type) => onFrame(connection, type));
    readers.set(connection, read);
    read(bytes);
  });
  const onFrame = (connection: number, type: number) => {
    if (type !== headersFrame) return;
    callers.push(connection);
    onCall();
  };
  return {
    port: proxy.port,
    callers,
    atNextCall: (task) =>
      new Promise((resolve) => {
        onCall = () => {
          onCall = () => {};
          task();
          resolve();
        };
      }),
    stop: () => proxy.stop(),
  };
}

/** Reads what a client sends over an HTTP/2 connection, and tells the type of each frame. */
function frameReader(onFrame: (type: number) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let skip = prefaceBytes;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const skipped = Math.min(skip, rest.length);
      rest = rest.subarray(skipped);
      skip -= skipped;
      if (rest.length < frameHeadBytes) return;
      onFrame(rest.readUInt8(3));
      skip = frameHeadBytes + rest.readUIntBE(0, 3);
    }
  };
}
