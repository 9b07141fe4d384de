import type { OpenAPIV3_1 } from "openapi-types";

type Schema = OpenAPIV3_1.SchemaObject | OpenAPIV3_1.ReferenceObject;

/**
 * A schema as TypeScript writes types: `{ id: string, vectors?: number[][] }`, an object over several lines.
 */
export function schemaText(schema: Schema, indent = ""): string {
  if ("$ref" in schema) return schema.$ref.split("/").at(-1) ?? "";
  if (schema.anyOf) return schema.anyOf.map((one) => schemaText(one, indent)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array") {
    const item = schemaText(schema.items, indent);
    return item.includes(" | ") ? `(${item})[]` : `${item}[]`;
  }
  if (schema.type !== "object") return typeText(schema);
  if (typeof schema.additionalProperties === "object" && !schema.properties) {
    return `{ [name]: ${schemaText(schema.additionalProperties, indent)} }`;
  }
  const inner = `${indent}  `;
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const mark = schema.required?.includes(name) ? "" : "?";
    return `${inner}${name}${mark}: ${schemaText(field, inner)}${comment(field)}\n`;
  });
  return `{\n${fields.join("")}${indent}}`;
}

function typeText({ type, minimum, maximum, pattern }: OpenAPIV3_1.SchemaObject): string {
  if (type === undefined) return "anything";
  const isBounded = minimum !== undefined && maximum !== undefined && Math.abs(maximum) < 2 ** 31;
  const range = isBounded ? ` (${minimum} to ${maximum})` : "";
  return `${type}${range}${pattern === undefined ? "" : ` (${pattern})`}`;
}

function comment(schema: Schema): string {
  return "description" in schema && schema.description !== undefined ? `   // ${schema.description}` : "";
}
