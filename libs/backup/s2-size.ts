const headerBytes = 4;
const checksumBytes = 4;
/** So many bytes of a frame are enough to know how large its content is. */
const knownBytes = headerBytes + checksumBytes + 5;
const compressed = 0x00;
const uncompressed = 0x01;

/**
 * Counts how large the content of an S2 stream is, without decompressing it: JetStream's snapshots are S2. So a
 * snapshot that JetStream has broken off without saying so, as nats-server 2.9 does, is noticed.
 *
 * A stream is a sequence of frames: a byte that says the kind, three with the length of the rest, and the rest.
 * That of a frame with content begins with a checksum. If it is compressed, the size of the content comes next.
 */
export class S2Size {
  /** The size of the content of all frames that are complete. */
  contentBytes = 0;
  /** The beginning of the present frame. */
  #head: Buffer = Buffer.alloc(0);
  /** How many bytes of the present frame came after its head. */
  #skipped = 0;

  /** Whether the stream ends with a whole frame. */
  get isWhole(): boolean {
    return this.#head.length === 0;
  }

  add(bytes: Uint8Array): void {
    let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    while (rest.length > 0) {
      const wanted = Math.min(knownBytes, this.#frameBytes) - this.#head.length;
      this.#head = Buffer.concat([this.#head, rest.subarray(0, wanted)]);
      rest = rest.subarray(wanted);
      if (this.#head.length < Math.min(knownBytes, this.#frameBytes)) continue;
      const left = this.#frameBytes - this.#head.length - this.#skipped;
      this.#skipped += Math.min(left, rest.length);
      rest = rest.subarray(left);
      if (this.#head.length + this.#skipped === this.#frameBytes) this.#endFrame();
    }
  }

  /** The length of the present frame; that of a header while it is not known. */
  get #frameBytes(): number {
    return this.#head.length < headerBytes ? headerBytes : headerBytes + this.#head.readUIntLE(1, 3);
  }

  #endFrame(): void {
    const kind = this.#head[0];
    if (kind === uncompressed) this.contentBytes += this.#frameBytes - headerBytes - checksumBytes;
    if (kind === compressed) this.contentBytes += varintOf(this.#head.subarray(headerBytes + checksumBytes));
    this.#head = Buffer.alloc(0);
    this.#skipped = 0;
  }
}

function varintOf(bytes: Uint8Array): number {
  let value = 0;
  for (const [index, byte] of bytes.entries()) {
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) break;
  }
  return value;
}
