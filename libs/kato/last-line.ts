/**
 * The last line of the text of a failure. KATO's text is a Python traceback, whose last line says what was
 * wrong (docs/kato.md, "Every RPC").
 */
export function lastLineOf(text = ""): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}
