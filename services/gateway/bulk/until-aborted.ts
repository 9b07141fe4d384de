/** Gives what `items` gives until the signal is aborted; then it throws what `error` makes, without waiting for another item. */
export async function* untilAborted<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
  error: () => Error,
): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  let giveUp: (reason: Error) => void = () => {};
  const abort = () => giveUp(error());
  signal.addEventListener("abort", abort);
  try {
    for (;;) {
      // No race with one lasting promise: that would keep every item it was raced with.
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<T>>();
      giveUp = reject;
      if (signal.aborted) abort();
      else iterator.next().then(resolve, reject);
      const { value, done } = await promise;
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", abort);
    // Not waited for: it would wait for the item under way.
    iterator.return?.().catch(() => {});
  }
}
