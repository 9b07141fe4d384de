import { hash, randomBytes, randomInt, timingSafeEqual } from "node:crypto";

/** An API key as its owner has it, in its parts. */
export interface ApiKey {
  id: string;
  /** The whole text, of which only a hash is kept. */
  text: string;
}

const form = /^kato_([A-Za-z0-9]{1,32})_[A-Za-z0-9_-]{43}$/;
const idCharacters = "abcdefghijkmnpqrstuvwxyz23456789";
const idLength = 10;

/** A new id for a key, without characters that are mistaken for each other. */
export function newKeyId(): string {
  return Array.from({ length: idLength }, () => idCharacters[randomInt(idCharacters.length)]).join("");
}

/** A new secret of the key with this id: `kato_<id>_<32 random bytes as base64url>`. */
export function newApiKey(id: string): ApiKey {
  return { id, text: `kato_${id}_${randomBytes(32).toString("base64url")}` };
}

/** Whether a text can be the id of a key. */
export function isKeyId(text: string): boolean {
  return /^[A-Za-z0-9]{1,32}$/.test(text);
}

/** Reads a key; undefined if the text is none. */
export function parseApiKey(text: string): ApiKey | undefined {
  const [, id] = form.exec(text) ?? [];
  return id === undefined ? undefined : { id, text };
}

/**
 * What is kept of a key. A hash without salt and stretching is enough: 32 random bytes cannot be guessed, and no
 * two keys are the same.
 */
export function hashOf({ text }: ApiKey): string {
  return hash("sha256", text, "base64url");
}

/** Whether two hashes are the same, in a time that does not tell where they differ. */
export function isSameHash(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
