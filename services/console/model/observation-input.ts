/** What somebody has written into the form of an observation. */
export interface ObservationInput {
  strings: string;
  vectors: string;
  emotives: string;
}

export interface Observation {
  strings?: string[];
  vectors?: number[][];
  emotives?: Record<string, number>;
}

/** The observation that was written, or what is wrong with it and in which field. */
export function readObservation(
  input: ObservationInput,
): { observation: Observation } | { field: keyof ObservationInput; error: string } {
  const strings = readStrings(input.strings);
  if (typeof strings === "string") return { field: "strings", error: strings };
  const vectors = readVectors(input.vectors);
  if (typeof vectors === "string") return { field: "vectors", error: vectors };
  const emotives = readEmotives(input.emotives);
  if (typeof emotives === "string") return { field: "emotives", error: emotives };
  const observation = {
    ...(strings.length > 0 && { strings }),
    ...(vectors.length > 0 && { vectors }),
    ...(Object.keys(emotives).length > 0 && { emotives }),
  };
  if (Object.keys(observation).length === 0)
    return { field: "strings", error: "Write something to observe." };
  return { observation };
}

/** Symbols with commas or line breaks between; or a list in JSON, where symbols have commas in them. */
function readStrings(text: string): string[] | string {
  if (text.trim().startsWith("[")) {
    const list = readJson(text);
    const isRight = Array.isArray(list) && list.every((one) => typeof one === "string");
    return isRight ? list : 'A list in JSON has texts only: ["a, b", "c"]';
  }
  return text
    .split(/[\n,]/)
    .map((symbol) => symbol.trim())
    .filter((symbol) => symbol !== "");
}

/** One vector a line, numbers with spaces or commas between; or a list of vectors in JSON. */
function readVectors(text: string): number[][] | string {
  const read = text.trim().startsWith("[[") ? readJson(text) : linesOfNumbers(text);
  if (!isVectors(read)) return "A vector is numbers with spaces between, one vector a line.";
  if (read.some(({ length }) => length !== read[0]?.length)) return "All vectors must have the same length.";
  return read;
}

function linesOfNumbers(text: string): number[][] {
  return text
    .split("\n")
    .map((line) => line.replace(/^\s*\[|\]\s*$/g, "").trim())
    .filter((line) => line !== "")
    .map((line) => line.split(/[\s,]+/).map(Number));
}

function isVectors(value: unknown): value is number[][] {
  return (
    Array.isArray(value) &&
    value.every(
      (one) => Array.isArray(one) && one.length > 0 && one.every((number) => Number.isFinite(number)),
    )
  );
}

/** A name and a number for each: `joy=0.5, fear=-1`. */
function readEmotives(text: string): Record<string, number> | string {
  const entries: [string, number][] = [];
  for (const part of text.split(/[\n,]/)) {
    if (part.trim() === "") continue;
    const [, name = "", value = ""] = /^(.*)[=:](.*)$/.exec(part) ?? [];
    const number = Number(value);
    if (name.trim() === "" || value.trim() === "" || !Number.isFinite(number)) {
      return "An emotive is a name and a number: joy=0.5";
    }
    entries.push([name.trim(), number]);
  }
  return Object.fromEntries(entries);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
