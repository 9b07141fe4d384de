import type { Json, JsonObject } from "./json.ts";
import { setOwnProperty } from "./json.ts";

// Reads protobuf messages into JSON without protobufjs. That builds several objects for each value of a
// Struct, which took a second for the predictions of one answer.

/** How deep messages may stand in each other. KATO's go to some ten. */
const maxDepth = 100;

/** Reads the fields of a message one after the other. Bytes that are no message throw a RangeError. */
export class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #depth = 0;

  /** The bytes are not copied. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * Calls `visit` for each field up to `length` bytes from here. It has to read the field's value, or `skip`
   * it.
   */
  eachField(length: number, visit: (field: number, wireType: number) => void): void {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw ends();
    if (++this.#depth > maxDepth) throw new RangeError("messages are nested too deeply");
    while (this.#at < end) {
      const tag = this.varint();
      visit(tag >>> 3, tag & 7);
    }
    if (this.#at > end) throw ends();
    this.#depth--;
  }

  /** The low 32 bits of a varint. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw ends();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError("varint of more than ten bytes");
  }

  double(): number {
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  float(): number {
    const value = this.#bytes.readFloatLE(this.#at);
    this.#at += 4;
    return value;
  }

  text(): string {
    const from = this.#take(this.varint());
    return this.#bytes.toString("utf8", from, this.#at);
  }

  /** Bytes with their length before them. They are not copied. */
  bytes(): Buffer {
    return this.#next(this.varint());
  }

  /** The bytes of a field that is no varint. They are not copied. */
  raw(wireType: number): Buffer {
    if (wireType === 1) return this.#next(8);
    if (wireType === 2) return this.bytes();
    if (wireType === 5) return this.#next(4);
    throw new RangeError(`wire type ${wireType}`);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else this.raw(wireType);
  }

  /** A google.protobuf.Struct, with its length before it. Every key becomes an own property. */
  struct(): JsonObject {
    const object: JsonObject = {};
    this.eachField(this.varint(), (field, wireType) => {
      if (field !== 1 || wireType !== 2) return this.skip(wireType);
      let key = "";
      let value: Json = null;
      this.eachField(this.varint(), (part, partType) => {
        if (part === 1 && partType === 2) key = this.text();
        else if (part === 2 && partType === 2) value = this.#value();
        else this.skip(partType);
      });
      setOwnProperty(object, key, value);
    });
    return object;
  }

  /** A google.protobuf.ListValue, with its length before it. */
  list(): Json[] {
    const items: Json[] = [];
    this.eachField(this.varint(), (field, wireType) => {
      if (field === 1 && wireType === 2) items.push(this.#value());
      else this.skip(wireType);
    });
    return items;
  }

  /** A google.protobuf.Value. It is null if no field is set. */
  #value(): Json {
    let value: Json = null;
    this.eachField(this.varint(), (field, wireType) => {
      if (field === 1 && wireType === 0) {
        this.varint();
        value = null;
      } else if (field === 2 && wireType === 1) value = this.double();
      else if (field === 3 && wireType === 2) value = this.text();
      else if (field === 4 && wireType === 0) value = this.varint() !== 0;
      else if (field === 5 && wireType === 2) value = this.struct();
      else if (field === 6 && wireType === 2) value = this.list();
      else this.skip(wireType);
    });
    return value;
  }

  #next(length: number): Buffer {
    const from = this.#take(length);
    return this.#bytes.subarray(from, this.#at);
  }

  /** Goes on by so many bytes. Returns where they begin. */
  #take(length: number): number {
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw ends();
    return from;
  }
}

function ends(): RangeError {
  return new RangeError("message ends within a field");
}
