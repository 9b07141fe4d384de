/** A value as JSON has it. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** An object as JSON has it. */
export type JsonObject = { [key: string]: Json };

/** Whether a JSON value is an object, and neither null nor an array. */
export function isJsonObject(json: Json): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/**
 * Sets an own property of an object, whatever the property's name. A plain assignment to `__proto__` would
 * change the object's prototype instead, and clients choose the keys of emotives, genes and metadata.
 */
export function setOwnProperty<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}
