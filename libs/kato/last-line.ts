/** The last line of what KATO says of a failure: that of a traceback says what was wrong. */
export function lastLineOf(text = ""): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}
