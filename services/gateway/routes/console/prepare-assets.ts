import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import type { Asset } from "./assets.ts";
import { bundle } from "./bundle.ts";

// Runs in a thread of its own: the code that strips types takes some 25 MB, which go when the thread ends.

const root = join(import.meta.dirname, "../../../console");

/** The packages that the console imports, each one file. */
const packages: Record<string, string> = {
  preact: "preact.js",
  "preact/hooks": "preact-hooks.js",
  htm: "htm.js",
};

/**
 * A module without its comments and indentation, which are two fifths of what is sent. In the console's sources every
 * comment begins its line, and no text has lines that begin with spaces.
 */
function withoutComments(source: string): string {
  return source
    .replace(/^[ \t]*\/\*\*[\s\S]*?\*\/[ \t]*$/gm, "")
    .replace(/^[ \t]*\/\/.*$/gm, "")
    .replace(/^[ \t]+|[ \t]+$/gm, "")
    .replace(/\n{2,}/g, "\n");
}

function asset(name: string, type: string, text: string): Asset {
  const body = Buffer.from(text);
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { name, type, body, gzip: gzipSync(body, { level: 9 }), etag };
}

const javaScript = "text/javascript; charset=utf-8";
const sources = new Map(
  globSync("**/*.ts", { cwd: root }).map((file) => {
    const path = join(root, file);
    return [path, withoutComments(stripTypeScriptTypes(readFileSync(path, "utf8")))];
  }),
);
const packageModules = Object.entries(packages).map(([specifier, name]) => {
  const source = readFileSync(fileURLToPath(import.meta.resolve(specifier)), "utf8");
  // A page without inline scripts can have no import map, so a package that imports another gets its served name.
  const withServedNames = source
    .replace(/^\/\/# sourceMappingURL=.*$/m, "")
    .replace(/(\bfrom\s*)"([^"\n]+)"/g, (whole, from: string, other: string) =>
      packages[other] === undefined ? whole : `${from}"./${packages[other]}"`,
    );
  return asset(name, javaScript, withServedNames);
});
const modules = [
  asset("main.js", javaScript, bundle(sources, join(root, "main.ts"), packages)),
  ...packageModules,
];

// Without these a browser would find out about a package only once it has read what imports it.
const preloads = modules.map(({ name }) => `<link rel="modulepreload" href="console/${name}">`).join("\n");
const page = readFileSync(join(root, "page.html"), "utf8").replace("<!-- preloads -->", () => preloads);

const styles = globSync("styles/*.css", { cwd: root }).sort();
const styleSheet = styles.map((file) => readFileSync(join(root, file), "utf8")).join("\n");

const assets: Asset[] = [
  asset("", "text/html; charset=utf-8", page),
  asset("style.css", "text/css; charset=utf-8", styleSheet),
  asset("icon.svg", "image/svg+xml", readFileSync(join(root, "icon.svg"), "utf8")),
  ...modules,
];
parentPort?.postMessage(assets);
