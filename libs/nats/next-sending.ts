/**
 * For how many turns of the event loop what is to be sent is gathered. Under load four take a quarter off the CPU time of a
 * request compared with one (docs/decisions/0042). With one client a turn takes microseconds.
 */
const turns = 4;

let next: Promise<void> | undefined;

/**
 * Resolves within a few turns of the event loop, for all who call it meanwhile at the same moment. What they publish then
 * goes over the connection in one piece: nats.js writes at the next microtask, and a write costs more than all else
 * that is done for a message, here and in the server that reads it. The busier this process is, the longer its turns
 * are, and the more is gathered.
 */
export function nextSending(): Promise<void> {
  next ??= new Promise((resolve) => {
    const turn = (left: number) => {
      if (left > 0) {
        setImmediate(turn, left - 1);
        return;
      }
      next = undefined;
      resolve();
    };
    turn(turns);
  });
  return next;
}
