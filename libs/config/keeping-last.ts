/**
 * A function that reads anew each time. Where that fails it returns what was read last, and tells `onFailure`
 * why: once, until it has succeeded again. The first reading is done at once, and throws if it fails.
 */
export function keepingLast<T>(read: () => T, onFailure: (reason: string) => void): () => T {
  let last = read();
  let isFailing = false;
  return () => {
    try {
      last = read();
      isFailing = false;
    } catch (error) {
      if (!isFailing) onFailure(error instanceof Error ? error.message : String(error));
      isFailing = true;
    }
    return last;
  };
}
