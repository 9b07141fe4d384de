/** The records of a CSV text as they come (RFC 4180). A cell in quotes may have commas, quotes and line breaks. */
export async function* recordsOfCsv(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  let record: string[] = [];
  let cell = "";
  let isQuoted = false;
  let isAfterQuote = false;
  const endRecord = () => {
    const ended = [...record, cell];
    record = [];
    cell = "";
    isAfterQuote = false;
    return ended;
  };
  for await (const chunk of chunks) {
    for (const char of chunk) {
      if (isQuoted) {
        if (char === '"') {
          isQuoted = false;
          isAfterQuote = true;
        } else cell += char;
      } else if (char === '"' && (cell === "" || isAfterQuote)) {
        // Two quotes are one of the cell.
        if (isAfterQuote) cell += char;
        isQuoted = true;
        isAfterQuote = false;
      } else if (char === ",") {
        record.push(cell);
        cell = "";
        isAfterQuote = false;
      } else if (char === "\n") yield endRecord();
      else if (char !== "\r" && char !== "\uFEFF") cell += char;
    }
  }
  if (isQuoted) throw new SyntaxError("a quote is not closed");
  if (cell !== "" || record.length > 0) yield endRecord();
}

/** Which columns of a table are what of an observation. */
export interface CsvColumns {
  /** Each cell that is not empty is a symbol. Without any named column: those that are nothing else. */
  strings?: readonly string[];
  /** The numbers of one vector. */
  vector?: readonly string[];
  /** Columns by the name of the emotive. */
  emotives?: Readonly<Record<string, string>>;
  uniqueId?: string;
}

/** How the records below this head become observations. Throws for a column that is not there. */
export function observationOfRecord(head: readonly string[], columns: CsvColumns) {
  const placeOf = (name: string) => {
    const at = head.indexOf(name);
    if (at < 0) throw new SyntaxError(`there is no column "${name}": there are ${head.join(", ")}`);
    return at;
  };
  const vector = columns.vector?.map(placeOf);
  const emotives = Object.entries(columns.emotives ?? {}).map(
    ([name, column]) => [name, placeOf(column)] as const,
  );
  const uniqueId = columns.uniqueId === undefined ? undefined : placeOf(columns.uniqueId);
  const others = [...(vector ?? []), ...emotives.map(([, at]) => at), uniqueId];
  const strings =
    columns.strings?.map(placeOf) ?? head.map((_, at) => at).filter((at) => !others.includes(at));

  return (cells: readonly string[]): object => {
    // What is no number is sent as it is: the gateway refuses the line, and says why.
    const number = (at: number) => {
      const text = cells[at]?.trim() ?? "";
      return text === "" || Number.isNaN(Number(text)) ? text : Number(text);
    };
    const felt = emotives.filter(([, at]) => (cells[at] ?? "") !== "");
    return {
      strings: strings.flatMap((at) => cells[at] || []),
      ...(vector && { vectors: [vector.map(number)] }),
      ...(felt.length > 0 && { emotives: Object.fromEntries(felt.map(([name, at]) => [name, number(at)])) }),
      ...(uniqueId !== undefined && cells[uniqueId] && { unique_id: cells[uniqueId] }),
    };
  };
}
