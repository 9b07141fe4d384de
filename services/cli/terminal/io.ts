/** Where text goes. */
export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** How wide it is. What is no terminal has no width. */
  readonly columns: number;
  readonly rows: number;
}

/** All that a command has of the world around it, so that tests can stand in for it. */
export interface Io {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Data. */
  readonly out: Sink;
  /** Messages and progress. */
  readonly err: Sink;
  readonly input: {
    readonly isTerminal: boolean;
    bytes(): AsyncIterable<Uint8Array>;
    /** Calls with the keys that are pressed, until what it returns is called. */
    onKeys(take: (keys: string) => void): () => void;
  };
  /** Aborted at the first Ctrl-C or SIGTERM. */
  readonly stopping: AbortSignal;
}

/** The streams of this process. */
export function processIo(variables: Io["variables"], stopping: AbortSignal): Io {
  const { stdout, stderr, stdin } = process;
  // Whoever reads has seen enough, as `head` does.
  stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  return {
    variables,
    out: sinkOf(stdout),
    err: sinkOf(stderr),
    input: { isTerminal: stdin.isTTY === true, bytes: () => stdin, onKeys: (take) => onKeys(stdin, take) },
    stopping,
  };
}

function onKeys(stdin: NodeJS.ReadStream, take: (keys: string) => void): () => void {
  const onData = (bytes: Buffer) => take(bytes.toString());
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", onData);
  return () => {
    stdin.off("data", onData).pause();
    if (stdin.isTTY) stdin.setRawMode(false);
  };
}

function sinkOf(stream: NodeJS.WriteStream): Sink {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY;
    },
    get rows() {
      return stream.rows || 24;
    },
  };
}
