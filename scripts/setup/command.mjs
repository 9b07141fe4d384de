import { spawn } from "node:child_process";

/** Prints a line about a step to stderr, because scripts/run reads stdout. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** The time since `start` (of `performance.now()`) as text, for example "1.5 s". */
export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/**
 * Runs a command to its end and resolves to `{ code, output }`. The output is not printed. A command that
 * cannot be started has the code 127.
 *
 * The command gets a process group of its own. npm and go start children, and a signal to setup has to end
 * those too.
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));

    // npm goes on for a while after a SIGTERM, so it gets a SIGKILL. What is half installed is installed anew
    // in any case.
    const endGroup = () => child.pid && process.kill(-child.pid, "SIGKILL");
    const settle = (code) => {
      process.off("exit", endGroup);
      resolve({ code, output });
    };
    process.once("exit", endGroup);
    child.on("error", (error) => {
      output += error.message;
      settle(127);
    });
    child.on("close", (code) => settle(code ?? 1));
  });
}

/** The last line of an output that is not blank, to tell a failure in one line. */
export function lastLine(output) {
  return output.trim().split("\n").at(-1) ?? "";
}

// By default a signal ends the process without the "exit" listeners. They have to run: they end the commands
// that were started, and release the lock.
for (const [signal, code] of Object.entries({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 })) {
  process.once(signal, () => process.exit(code));
}
