/** What is seen, as the part of the address after `#` says it. So every view has a link that can be shared. */
export interface Address {
  path: readonly string[];
  query: Readonly<Record<string, string>>;
}

/** Reads `#/processors/p1/log?method=Learn`. */
export function parseAddress(hash: string): Address {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return {
    path: path
      .split("/")
      .filter((part) => part !== "")
      .map(decoded),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** Writes what `parseAddress` reads. What is empty is left out of the query. */
export function formatAddress(
  path: readonly string[],
  query: Record<string, string | undefined> = {},
): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? "") !== "");
  const search = new URLSearchParams(entries).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${search === "" ? "" : `?${search}`}`;
}

/** Somebody can write anything into the address. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
