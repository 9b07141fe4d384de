import type { Io, Sink } from "./io.ts";

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Style = keyof typeof codes;
export type Paint = (text: string, style: Style | undefined) => string;

/** Colours text for a terminal, unless NO_COLOR is set (no-color.org). */
export function painter({ variables }: Pick<Io, "variables">, { isTerminal }: Sink): Paint {
  const isPlain = !isTerminal || Boolean(variables.NO_COLOR) || variables.TERM === "dumb";
  return (text, style) =>
    isPlain || style === undefined || text === "" ? text : `\x1b[${codes[style]}m${text}\x1b[0m`;
}

/** Control characters of what others wrote would change the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) =>
    char === "\n" || char === "\t" ? " " : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
