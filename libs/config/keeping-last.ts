/**
 * A function that reads anew each time. Where that fails it returns what was read last, and tells `onFailure`
 * why: once, until it has succeeded again. It throws if nothing was read yet.
 */
export function keepingLast<T>(read: () => T, onFailure: (reason: string) => void): () => T {
  let last: { value: T } | undefined;
  let isFailing = false;
  return () => {
    try {
      last = { value: read() };
      isFailing = false;
    } catch (error) {
      if (!last) throw error;
      if (!isFailing) onFailure(error instanceof Error ? error.message : String(error));
      isFailing = true;
    }
    return last.value;
  };
}
