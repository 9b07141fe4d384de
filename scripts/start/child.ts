import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const stopTimeoutMs = 10_000;

export interface ChildOptions {
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Called with each line of stdout and stderr. */
  onLine: (line: string) => void;
  /** Out of the terminal's process group, so that Ctrl-C does not end every process at once. */
  ownGroup?: boolean;
}

/** A process that was started and has to be ended by whoever started it. */
export interface Child {
  readonly name: string;
  /** Undefined when it could not be started at all. */
  readonly pid: number | undefined;
  /** Resolves, in words, with how it ended. Never rejects. */
  readonly exited: Promise<string>;
  isRunning(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL where that did not end it in 10 s. Resolves once it has ended. */
  stop(): Promise<string>;
}

/** Starts a program without a shell or npm between. */
export function startChild({ name, command, args, env, onLine, ownGroup = false }: ChildOptions): Child {
  const child = spawn(command, args, { env, detached: ownGroup, stdio: ["ignore", "pipe", "pipe"] });
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", onLine);

  let running = child.pid !== undefined;
  const exited = once(child, "close").then(
    ([code, signal]) => (signal ? `ended by ${signal}` : `exit code ${code}`),
    (error: Error) => `could not be started: ${error.message}`,
  );
  child.once("exit", () => {
    running = false;
  });

  return {
    name,
    pid: child.pid,
    exited,
    isRunning: () => running,
    signal: (signal) => void (running && child.kill(signal)),
    async stop() {
      if (running) child.kill("SIGTERM");
      // One that a test has stopped would not get the SIGTERM before it goes on.
      if (running) child.kill("SIGCONT");
      const timer = setTimeout(() => running && child.kill("SIGKILL"), stopTimeoutMs);
      const outcome = await exited;
      clearTimeout(timer);
      return outcome;
    },
  };
}
