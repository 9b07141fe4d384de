/**
 * Something that is wrong with a processor for good, because KATO does not let it be restored
 * (docs/recovery-limits.md). Code decides by `code`; `detail` is for people.
 */
export interface Degradation {
  code: DegradationCode;
  /** When it was noticed (Unix ms); 0 if an older version has noted it. */
  since: number;
  detail: string;
}

/**
 * How the detail of each code begins. Checkpoints of older versions have no codes, so the code is recognized
 * by that.
 */
const detailOf = {
  "foreign-calls": "somebody else calls the instance",
  "learn-torn": "a Learn was torn by a crash",
  "learn-perhaps-torn": "KATO died in a Learn",
  "auto-learn-unknown": "an auto-learn of vectors was interrupted",
  "working-memory-differs": "working memory has",
  "vectors-differ": "events with vectors got other symbols",
  "kept-event-reordered": "an event kept by an auto-learn changes the order",
  "working-memory-uncounted": "working memory is too large to be counted",
  "foreign-vectors": "somebody else has observed vectors",
  "foreign-learn": "a model that somebody else had KATO learn",
  "perhaps-cleared": "a worker that was frozen may have cleared",
  "log-lost": "the log lost",
  "commands-lost": "commands were lost",
  "store-went-back": "NATS went back",
  "ahead-of-log": "the instance has observed more",
  adopted: "the instance was adopted",
  other: "",
} as const;

export type DegradationCode = keyof typeof detailOf;

/** The codes that a rebuild by hand checks anew, because they are about working memory alone. */
const ofWorkingMemory: readonly DegradationCode[] = ["working-memory-differs"];

/**
 * The list with one more degradation. For each code it has the latest detail, and the time at which the code
 * was first noticed.
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

/** The list without the degradations that a rebuild by hand checks anew. */
export function withoutWorkingMemory(degradations: readonly Degradation[]): Degradation[] {
  return degradations.filter(({ code }) => !ofWorkingMemory.includes(code));
}

/** The whole list as one sentence for people; "" if it is empty. */
export function degradedText(degradations: readonly Degradation[]): string {
  return degradations.map(({ detail }) => detail).join("; ");
}

/** The list for a checkpoint that has only the sentence. */
export function degradationsOfText(text: string): Degradation[] {
  if (text === "") return [];
  const codes = Object.keys(detailOf) as DegradationCode[];
  const code = codes.find((one) => detailOf[one] !== "" && text.startsWith(detailOf[one])) ?? "other";
  return [{ code, since: 0, detail: text }];
}
