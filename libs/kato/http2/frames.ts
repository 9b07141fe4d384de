// The frames of HTTP/2 (RFC 9113, 4).

/** The types of frames. */
export const frame = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** The flags of frames. An ACK is on SETTINGS and PING, END_STREAM on DATA and HEADERS. */
export const flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const headBytes = 9;
/** The largest payload, unless more was agreed, which it never is here. */
export const maxPayloadBytes = 16_384;

/** A frame that was received. Its payload is a view into what the socket gave. */
export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

/** A frame to send. */
export function frameBytes(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + payload.length);
  writeHead(bytes, 0, { length: payload.length, type, flags, stream });
  bytes.set(payload, headBytes);
  return bytes;
}

/** Writes the head of a frame at a place. */
export function writeHead(
  bytes: Buffer,
  at: number,
  { length, type, flags, stream }: { length: number; type: number; flags: number; stream: number },
): void {
  bytes.writeUIntBE(length, at, 3);
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes.writeUInt32BE(stream, at + 5);
}

/** A frame whose payload is one number of 32 bits: WINDOW_UPDATE and RST_STREAM. */
export function numberFrame(type: number, stream: number, value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value);
  return frameBytes(type, 0, stream, payload);
}

/** Cuts what a socket gives into frames. Throws a RangeError for a frame that is too large. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Calls `take` for each frame that is complete now. */
  read(chunk: Buffer, take: (frame: Frame) => void): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= headBytes) {
      const length = bytes.readUIntBE(at, 3);
      if (length > maxPayloadBytes) throw new RangeError("a frame is larger than allowed");
      const end = at + headBytes + length;
      if (end > bytes.length) break;
      take({
        type: bytes[at + 3] ?? 0,
        flags: bytes[at + 4] ?? 0,
        stream: bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
        payload: bytes.subarray(at + headBytes, end),
      });
      at = end;
    }
    this.#rest = at === bytes.length ? noBytes : bytes.subarray(at);
  }
}

const noBytes = Buffer.alloc(0);

/** The content of a DATA or HEADERS frame, without padding and priority. Throws a RangeError if it has none. */
export function contentOf({ type, flags, payload }: Frame): Buffer {
  const isPadded = (flags & flag.padded) !== 0;
  const padding = isPadded ? (payload[0] ?? 0) : 0;
  const hasPriority = type === frame.headers && (flags & flag.priority) !== 0;
  const begin = (isPadded ? 1 : 0) + (hasPriority ? 5 : 0);
  const end = payload.length - padding;
  if (end < begin) throw new RangeError("the padding of a frame is longer than the frame");
  return payload.subarray(begin, end);
}
