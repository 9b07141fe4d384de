import { readHuffman } from "./huffman.ts";

// Header blocks of HTTP/2 (RFC 7541), as far as a client of gRPC needs them.

/** Header fields by their names. Where a name comes twice, the latter counts: gRPC's own names come once. */
export type HeaderFields = Map<string, string>;

type Field = readonly [name: string, value: string];

/** The static table (RFC 7541, Appendix A), from index 1 on. */
const staticFields: readonly Field[] = [
  ":authority",
  ":method GET",
  ":method POST",
  ":path /",
  ":path /index.html",
  ":scheme http",
  ":scheme https",
  ...[200, 204, 206, 304, 400, 404, 500].map((status) => `:status ${status}`),
  "accept-charset",
  "accept-encoding gzip, deflate",
  ...["accept-language", "accept-ranges", "accept", "access-control-allow-origin", "age", "allow"],
  ...["authorization", "cache-control", "content-disposition", "content-encoding", "content-language"],
  ...["content-length", "content-location", "content-range", "content-type", "cookie", "date", "etag"],
  ...["expect", "expires", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range"],
  ...["if-unmodified-since", "last-modified", "link", "location", "max-forwards", "proxy-authenticate"],
  ...["proxy-authorization", "range", "referer", "refresh", "retry-after", "server", "set-cookie"],
  ...["strict-transport-security", "transfer-encoding", "user-agent", "vary", "via", "www-authenticate"],
].map((entry): Field => {
  const [name = "", ...value] = entry.split(" ");
  return [name, value.join(" ")];
});

/** The size of the dynamic table, which a server may use unless it is told another. */
const tableBytes = 4_096;
/** What a field takes of it besides its characters. */
const aroundFieldBytes = 32;

/**
 * Reads the header blocks of one connection, in the order in which they come: each may refer to fields of earlier
 * ones. What is no header block throws a RangeError, and nothing can be read after it.
 */
export class HeaderReader {
  /** The dynamic table, the latest field first. */
  readonly #fields: Field[] = [];
  #usedBytes = 0;
  #limitBytes = tableBytes;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  read(block: Buffer): HeaderFields {
    this.#block = block;
    this.#at = 0;
    const fields: HeaderFields = new Map();
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if (first >= 0x80) {
        fields.set(...this.#fieldAt(this.#integer(7)));
      } else if (first >= 0x40) {
        const field = this.#literal(6);
        this.#remember(field);
        fields.set(...field);
      } else if (first >= 0x20) {
        this.#resize(this.#integer(5));
      } else fields.set(...this.#literal(4));
    }
    return fields;
  }

  /** A number of which so many bits stand in the first byte (5.1). */
  #integer(bits: number): number {
    const most = 2 ** bits - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number in a header block is too large");
  }

  #byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new RangeError("a header block breaks off");
    return byte;
  }

  #text(): string {
    const isHuffman = (this.#block[this.#at] ?? 0) >= 0x80;
    const end = this.#integer(7) + this.#at;
    if (end > this.#block.length) throw new RangeError("a header block breaks off");
    const bytes = this.#block.subarray(this.#at, end);
    this.#at = end;
    return isHuffman ? readHuffman(bytes) : bytes.toString("latin1");
  }

  /** A field whose value stands here, and its name too unless it has an index. */
  #literal(indexBits: number): Field {
    const index = this.#integer(indexBits);
    const name = index === 0 ? this.#text() : this.#fieldAt(index)[0];
    return [name, this.#text()];
  }

  #fieldAt(index: number): Field {
    const count = staticFields.length;
    const field = index <= count ? staticFields[index - 1] : this.#fields[index - 1 - count];
    if (!field) throw new RangeError(`no header field has the index ${index}`);
    return field;
  }

  #remember(field: Field): void {
    this.#fields.unshift(field);
    this.#usedBytes += sizeOf(field);
    this.#evict();
  }

  #resize(bytes: number): void {
    if (bytes > tableBytes) throw new RangeError("the table of header fields is larger than allowed");
    this.#limitBytes = bytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#usedBytes > this.#limitBytes) {
      const oldest = this.#fields.pop();
      this.#usedBytes -= oldest ? sizeOf(oldest) : this.#usedBytes;
    }
  }
}

function sizeOf([name, value]: Field): number {
  return name.length + value.length + aroundFieldBytes;
}

/**
 * The block of these fields. Every field is written in full and put into no table, so the blocks of one connection
 * may be written in any order, and once for many requests.
 */
export function headerBlock(fields: readonly Field[]): Buffer {
  const parts = fields.flatMap(([name, value]) => [Buffer.of(0), textBytes(name), textBytes(value)]);
  return Buffer.concat(parts);
}

function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([integerBytes(bytes.length), bytes]);
}

function integerBytes(value: number): Buffer {
  if (value < 0x7f) return Buffer.of(value);
  const bytes = [0x7f];
  let rest = value - 0x7f;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
