let end: Promise<void> | undefined;

/**
 * Resolves at the end of this turn of the event loop, once all that has arrived was looked at. What many requests
 * publish after it goes over the connection in one piece: nats.js writes at the next microtask, and a write costs more
 * than all else that is done for a message.
 */
export function endOfTurn(): Promise<void> {
  end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = undefined;
      resolve();
    });
  });
  return end;
}
