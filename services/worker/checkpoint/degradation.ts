/**
 * What is amiss with a processor for good, because KATO lets nobody restore it (docs/recovery-limits.md).
 * Code branches on `code`; `detail` is for people.
 */
export interface Degradation {
  code: DegradationCode;
  /** Unix ms at which it was noticed; 0 where an older version has noted it. */
  since: number;
  detail: string;
}

/** Each code, and how the detail begins by which it is known in checkpoints that have no codes yet. */
const detailOf = {
  "foreign-calls": "somebody else calls the instance",
  "learn-torn": "a Learn was torn by a crash",
  "auto-learn-unknown": "an auto-learn of vectors was interrupted",
  "working-memory-differs": "working memory has",
  "vectors-differ": "events with vectors got other symbols",
  "kept-event-reordered": "an event kept by an auto-learn changes the order",
  "working-memory-uncounted": "working memory is too large to be counted",
  "foreign-vectors": "somebody else has observed vectors",
  "foreign-learn": "a model that somebody else had KATO learn",
  "perhaps-cleared": "a worker that was frozen may have cleared",
  other: "",
} as const;

export type DegradationCode = keyof typeof detailOf;

/** Those that a rebuild by hand looks at anew, as they are about working memory alone. */
const ofWorkingMemory: readonly DegradationCode[] = ["working-memory-differs"];

/**
 * The list with one more. Of each code the latest detail stands in it, with the time at which the code was
 * first noticed.
 */
export function degradedBy(
  degradations: readonly Degradation[],
  code: DegradationCode,
  detail: string,
): Degradation[] {
  const before = degradations.find((one) => one.code === code);
  if (before?.detail === detail) return [...degradations];
  const added = { code, since: before?.since ?? Date.now(), detail };
  return [...degradations.filter((one) => one !== before), added];
}

/** The list without what a rebuild by hand will look at anew. */
export function withoutWorkingMemory(degradations: readonly Degradation[]): Degradation[] {
  return degradations.filter(({ code }) => !ofWorkingMemory.includes(code));
}

/** All of it as one sentence for people, "" when nothing is amiss. */
export function degradedText(degradations: readonly Degradation[]): string {
  return degradations.map(({ detail }) => detail).join("; ");
}

/** Reads the sentence of a checkpoint that has no list. */
export function degradationsOfText(text: string): Degradation[] {
  if (text === "") return [];
  const codes = Object.keys(detailOf) as DegradationCode[];
  const code = codes.find((one) => detailOf[one] !== "" && text.startsWith(detailOf[one])) ?? "other";
  return [{ code, since: 0, detail: text }];
}
