import type { OpenAPIV3_1 } from "openapi-types";
import { schemaText } from "./schema-text.ts";

type Operation = OpenAPIV3_1.OperationObject;

/** The document as an HTML page without scripts that needs no other host. */
export function docsPage(document: OpenAPIV3_1.Document): string {
  const { info, tags = [], paths = {}, components = {} } = document;
  const operations = Object.entries(paths).flatMap(([path, item = {}]) =>
    Object.entries(item).map(([method, operation]) => ({
      title: `${method.toUpperCase()} ${path}`,
      operation: operation as Operation,
    })),
  );
  const groups = tags.map(({ name, description = "" }) => {
    const own = operations.filter(({ operation }) => operation.tags?.includes(name));
    const details = own.map(({ title, operation }) => operationHtml(document, title, operation));
    return `<h2>${escaped(name)}</h2>${paragraph(description)}${details.join("")}`;
  });
  const problems = Object.entries(components.responses ?? {}).map(
    ([name, answer]) => `<h3 id="${escaped(name)}">${escaped(name)}</h3>${answerHtml(document, answer)}`,
  );
  const schemas = Object.entries(components.schemas ?? {}).map(
    ([name, schema]) => `<h3 id="${escaped(name)}">${escaped(name)}</h3>${pre(schemaText(schema))}`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(info.title)}</title>
<style>${style}</style>
<h1>${escaped(info.title)} ${escaped(info.version)}</h1>
${(info.description ?? "").split("\n\n").map(paragraph).join("")}
<p>For programs: <a href="openapi.json">openapi.json</a></p>
${groups.join("\n")}
<h2>Problems</h2>
${problems.join("\n")}
<h2>Schemas</h2>
${schemas.join("\n")}
</html>
`;
}

function operationHtml(document: OpenAPIV3_1.Document, title: string, operation: Operation): string {
  const { summary = "", description = "", parameters = [], requestBody, responses = {} } = operation;
  const rows = parameters.map((parameter) => {
    const { name, in: place, required, description = "" } = resolve(document, parameter);
    return [code(name), `${place}${required ? "" : ", may be missing"}`, inline(description)];
  });
  const body = requestBody && resolve(document, requestBody);
  const answers = Object.entries(responses).map(([status, answer]) => {
    if (!("$ref" in answer)) return `<h4>${status}</h4>${answerHtml(document, answer)}`;
    const name = escaped(answer.$ref.split("/").at(-1) ?? "");
    const { description } = resolve<OpenAPIV3_1.ResponseObject>(document, answer);
    return `<p><a href="#${name}">${status}</a> ${inline(description)}</p>`;
  });
  return `<details><summary>${code(title)} ${escaped(summary)}</summary>
${paragraph(description)}
${rows.length > 0 ? `<h4>Parameters</h4>${table(rows)}` : ""}
${body ? `<h4>Body${body.required ? "" : ", may be missing"}</h4>${contentHtml(body.content)}` : ""}
${answers.join("")}
</details>
`;
}

function answerHtml(
  document: OpenAPIV3_1.Document,
  answer: OpenAPIV3_1.ResponseObject | OpenAPIV3_1.ReferenceObject,
): string {
  const { description, headers = {}, content = {} } = resolve(document, answer);
  const names = Object.keys(headers).map(code).join(", ");
  return `${paragraph(description)}${names && `<p>Headers: ${names}</p>`}${contentHtml(content)}`;
}

function contentHtml(content: Record<string, OpenAPIV3_1.MediaTypeObject>): string {
  return Object.entries(content)
    .map(([type, { schema, example, examples = {} }]) => {
      const values = Object.entries(examples).map(([name, one]) => ({
        name,
        value: "value" in one ? one.value : undefined,
      }));
      if (example !== undefined) values.unshift({ name: "example", value: example });
      const shown = values.map(({ name, value }) => `<p>${escaped(name)}</p>${pre(exampleText(value))}`);
      return `<p>${code(type)}</p>${schema ? pre(schemaText(schema)) : ""}${shown.join("")}`;
    })
    .join("");
}

function exampleText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Follows a reference to a part of the document. */
function resolve<T extends object>(document: OpenAPIV3_1.Document, part: T | OpenAPIV3_1.ReferenceObject): T {
  if (!("$ref" in part)) return part;
  let found: unknown = document;
  for (const key of part.$ref.split("/").slice(1)) found = (found as Record<string, unknown>)[key];
  return found as T;
}

function table(rows: string[][]): string {
  const cells = (row: string[]) => row.map((cell) => `<td>${cell}</td>`).join("");
  return `<table>${rows.map((row) => `<tr>${cells(row)}</tr>`).join("")}</table>`;
}

const paragraph = (text: string): string => (text === "" ? "" : `<p>${inline(text)}</p>`);
const pre = (text: string): string => `<pre>${escaped(text)}</pre>`;
const code = (text: string): string => `<code>${escaped(text)}</code>`;

/** Escapes text and shows `…` in it as code. */
function inline(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border-top: 1px solid #8884; padding: .4rem 0; }
summary { cursor: pointer; }
summary code { font-weight: 600; margin-right: .5rem; }
details[open] { padding-bottom: 1rem; }
h4 { margin: 1rem 0 0; }
p { margin: .4rem 0; }
pre { background: #8881; padding: .6rem; overflow-x: auto; white-space: pre-wrap; margin: .4rem 0; }
code, pre { font: .875rem/1.45 ui-monospace, monospace; }
td { vertical-align: top; padding: .1rem 1rem .1rem 0; }
`;
