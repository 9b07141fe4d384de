const sliceMs = 125;

/**
 * Does a task with each item once in `everyMs`, until the timer that is returned is cleared. Some times a second a
 * part of the items is due. So a thousand items do not hold up everything else at once, and an idle worker seldom
 * wakes.
 */
export function startSpreadTimer<T>(
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
