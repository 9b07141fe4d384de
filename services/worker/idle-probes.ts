/** How many idle instances a worker asks in a second whether they are there. */
const perSecond = 70;
/** The longest time between two of these questions to one instance. */
const longestMs = 15_000;

/**
 * How often a worker of so many processors asks an instance that nobody uses whether it is there. With up to seventy
 * it is every second. With more the questions would be most of what an idle worker does.
 */
export function idleProbeMs(processors: number): number {
  return Math.min(Math.max(1_000, (processors * 1_000) / perSecond), longestMs);
}
