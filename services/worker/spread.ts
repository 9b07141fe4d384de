const sliceMs = 50;

/**
 * Does something with each item once in `everyMs`, some of them every 50 ms, so that a thousand do not hold up everything else at
 * once. The timer is for the caller to clear.
 */
export function spread<T>(
  everyMs: number,
  items: () => Iterable<T>,
  task: (item: T) => void,
): NodeJS.Timeout {
  const slices = Math.max(1, Math.round(everyMs / sliceMs));
  let slice = 0;
  return setInterval(() => {
    slice = (slice + 1) % slices;
    let index = 0;
    for (const item of items()) if (index++ % slices === slice) task(item);
  }, everyMs / slices);
}
