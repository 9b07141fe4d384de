/** What both ways measured, round by round. */
export interface Rounds<T> {
  value: T[];
  baseline: T[];
}

const warmUpRounds = 2;

/**
 * Measures both in turns, so that whatever else the machine does hits both alike. The first rounds, where the
 * code is still being compiled, do not count.
 */
export async function alternate<T>(
  rounds: number,
  measureValue: () => Promise<T>,
  measureBaseline: () => Promise<T>,
): Promise<Rounds<T>> {
  const measured: Rounds<T> = { value: [], baseline: [] };
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    const value = await measureValue();
    const baseline = await measureBaseline();
    if (round < warmUpRounds) continue;
    measured.value.push(value);
    measured.baseline.push(baseline);
  }
  return measured;
}

/** One line of the output. */
export interface Figure {
  name: string;
  value: number;
  baseline: number;
  ratio: number;
  unit: string;
  [detail: string]: string | number | number[];
}

/** The figure of `of`, as the medians over the rounds. */
export function figureOf<T>(
  facts: { name: string; unit: string; goal: string },
  { value, baseline }: Rounds<T>,
  of: (round: T) => number,
): Figure {
  const { name, unit, goal } = facts;
  const [values, baselines] = [value.map(of), baseline.map(of)];
  const ratio = rounded(median(values) / median(baselines));
  const medians = { value: rounded(median(values)), baseline: rounded(median(baselines)) };
  return {
    name,
    ...medians,
    ratio,
    unit,
    goal,
    values: values.map(rounded),
    baselines: baselines.map(rounded),
  };
}

export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** Of values that are sorted. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
