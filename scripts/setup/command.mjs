import { spawn } from "node:child_process";

/** Says one step. On stderr: stdout is what scripts/run reads. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** Milliseconds since `start` as seconds to be said. */
export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/**
 * Runs a command to its end and gives `{ code, output }`, its output kept back; one that cannot be started has code 127.
 *
 * It gets a process group of its own: npm and go have children, and a signal to setup has to end those too.
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));

    // SIGKILL: npm survives a SIGTERM for a while, and what is half installed is installed anew anyway.
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

/** The last line that says something, for a failure told in one line. */
export function lastLine(output) {
  return output.trim().split("\n").at(-1) ?? "";
}

// An exit, unlike a signal's default, runs the "exit" listeners: they end what was started and give the lock back.
for (const [signal, code] of Object.entries({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 })) {
  process.once(signal, () => process.exit(code));
}
