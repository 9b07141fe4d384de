/** One line of a stream of lines. */
export interface Line {
  /** The first line is 1. Blank lines count. */
  number: number;
  /** The line without its end; undefined if it is longer than the limit. */
  bytes: Buffer | undefined;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nothing: Buffer = Buffer.alloc(0);

/**
 * Splits a stream of bytes at its line feeds. It gives the lines that each chunk completes, and reads the
 * next chunk only when it is asked for more. Of a line that is longer than `limitBytes` it keeps no more than
 * that. The last line need not have an end. Where the stream fails, an unfinished line is dropped. Before it
 * keeps more or less of an unfinished line it calls `hold` with its size, which may throw.
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  limitBytes: number,
  hold: (bytes: number) => void = () => {},
): AsyncGenerator<Line[]> {
  let number = 0;
  /**
   * The beginning of a line, from earlier chunks: the first `begunBytes` bytes of `begun`. Once they are more
   * than the limit, `begun` is empty.
   */
  let begun: Buffer = nothing;
  let begunBytes = 0;

  const begin = (part: Buffer) => {
    const bytes = begunBytes + part.length;
    if (bytes > limitBytes) {
      begun = nothing;
      hold(0);
    } else {
      // The buffer doubles, because a line may come in any number of parts.
      if (bytes > begun.length) {
        const size = Math.max(bytes, 2 * begun.length);
        hold(size);
        begun = grown(begun.subarray(0, begunBytes), size);
      }
      part.copy(begun, begunBytes);
    }
    begunBytes = bytes;
  };
  const complete = (part: Buffer): Line => {
    let whole = part;
    if (begunBytes > 0) {
      begin(part);
      whole = begun.subarray(0, begunBytes);
    }
    const isTooLong = Math.max(begunBytes, part.length) > limitBytes;
    if (begun.length > 0) hold(0);
    begun = nothing;
    begunBytes = 0;
    return { number: ++number, bytes: isTooLong ? undefined : withoutCarriageReturn(whole) };
  };

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      lines.push(complete(chunk.subarray(from, end)));
      from = end + 1;
    }
    if (from < chunk.length) begin(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (begunBytes > 0) yield [complete(nothing)];
}

function grown(bytes: Buffer, size: number): Buffer {
  const larger = Buffer.allocUnsafe(size);
  bytes.copy(larger);
  return larger;
}

function withoutCarriageReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
}
