// Writes protobuf messages without protobufjs. The size is reckoned before anything is written, so the buffer
// has the right size from the beginning. Tags are one byte: fields 1 to 15.

/** A field whose content has this length: its tag, the length, the content. */
export function fieldBytes(length: number): number {
  return 1 + varintBytes(length) + length;
}

/** A field that has a text: its tag, the length in UTF-8, the text. */
export function textBytes(text: string): number {
  return fieldBytes(Buffer.byteLength(text));
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** Writes fields one after the other into a buffer of the right size. */
export class Writer {
  readonly bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  /** A tag and the length of what follows. */
  head(tag: number, length: number): void {
    this.bytes[this.#at++] = tag;
    let rest = length;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.bytes[this.#at++] = (rest % 0x80) + 0x80;
    this.bytes[this.#at++] = rest;
  }

  text(tag: number, text: string): void {
    this.head(tag, Buffer.byteLength(text));
    this.#at += this.bytes.write(text, this.#at);
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  double(tag: number, value: number): void {
    this.bytes[this.#at++] = tag;
    this.#at = this.bytes.writeDoubleLE(value, this.#at);
  }

  float(tag: number, value: number): void {
    this.bytes[this.#at++] = tag;
    this.#at = this.bytes.writeFloatLE(value, this.#at);
  }
}
