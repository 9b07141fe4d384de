const sliceMs = 50;

/**
 * Does something with each item once in `everyMs`. A part of the items is due every 50 ms, so that a thousand
 * of them do not hold up everything else at once. Clear the timer that is returned to end it.
 */
export function staggered<T>(
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
