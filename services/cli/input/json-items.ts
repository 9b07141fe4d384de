/**
 * The observations of a JSON document as they come: those of its list, be it the whole document or the value of
 * `observations`. So a document of any size takes no more memory than its longest observation.
 */
export async function* itemsOfJson(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  const items = new ListItems();
  for await (const chunk of chunks) yield* items.add(chunk);
  items.end();
}

class ListItems {
  /** What comes before the list; undefined once it has begun. */
  #head: string | undefined = "";
  #item = "";
  #depth = 0;
  #isInText = false;
  #isEscaped = false;
  #isOver = false;

  *add(chunk: string): Generator<string> {
    for (const char of chunk) {
      if (this.#isOver) continue;
      if (this.#head !== undefined) {
        this.#takeHead(char);
        continue;
      }
      if (!this.#isInText && this.#depth === 0 && (char === "," || char === "]")) {
        if (this.#item.trim() !== "") yield this.#item.trim();
        this.#item = "";
        this.#isOver = char === "]";
        continue;
      }
      this.#item += char;
      this.#step(char);
    }
  }

  end(): void {
    if (!this.#isOver) throw new SyntaxError("it is no list of observations, or it ends too early");
  }

  #takeHead(char: string): void {
    this.#head += char;
    if (char !== "[") return;
    if (!/^\uFEFF?\s*(\{\s*"observations"\s*:\s*)?\[$/.test(this.#head ?? "")) {
      throw new SyntaxError('it is neither a list of observations nor {"observations": [...]}');
    }
    this.#head = undefined;
  }

  #step(char: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#isInText && char === "\\") this.#isEscaped = true;
    else if (char === '"') this.#isInText = !this.#isInText;
    else if (!this.#isInText && (char === "{" || char === "[")) this.#depth++;
    else if (!this.#isInText && (char === "}" || char === "]")) this.#depth--;
  }
}
