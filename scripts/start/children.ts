import type { Child, ChildOptions } from "./child.ts";
import { startChild } from "./child.ts";

/**
 * The groups of processes, in the order in which they are stopped. So each stops before the processes that it
 * needs.
 */
const groups = ["gateway", "worker", "simulators", "nats-server"] as const;

interface ChildrenOptions {
  /** Aborted when everything has to stop. Nothing is started after that. */
  signal: AbortSignal;
  print: (line: string) => void;
  /** Called for each process that was started. `command` is a text that its command line contains. */
  onStarted: (pid: number | undefined, command: string) => void;
  /** Called when a process has ended by itself. `outcome` says how. */
  onLost: (name: string, outcome: string) => void;
}

interface StartOptions extends Pick<ChildOptions, "name" | "command" | "args" | "env"> {
  group: (typeof groups)[number];
  /** Whether a line is worth printing. Default: every line is. */
  filter?: (line: string) => boolean;
}

/**
 * The processes of `npm start`. Each is kept here from the moment it is started, so `stop` may be called at
 * any time.
 */
export class Children {
  readonly #options: ChildrenOptions;
  readonly #started: { group: string; child: Child }[] = [];

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /** Starts a program. Throws once `signal` is aborted. */
  start({ group, filter = () => true, ...program }: StartOptions): Child {
    const { signal, print, onStarted, onLost } = this.#options;
    signal.throwIfAborted();
    const onLine = (line: string) => void (filter(line) && print(`[${program.name}] ${line}`));
    const child = startChild({ ...program, ownGroup: true, onLine });
    this.#started.push({ group, child });
    onStarted(child.pid, program.args.at(-1) ?? "");
    void child.exited.then((outcome) => {
      if (!signal.aborted) onLost(program.name, outcome);
    });
    return child;
  }

  /** Stops one group after another. */
  async stop(): Promise<void> {
    for (const name of groups) {
      const group = this.#started.filter(({ group }) => group === name);
      await Promise.all(group.map(({ child }) => child.stop()));
    }
  }
}
