import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import type { Asset } from "./assets.ts";

// Runs in a thread of its own: the code that strips types takes some 25 MB, which go when the thread ends.

const root = join(import.meta.dirname, "../../../console");

/** The packages that the console imports, each one file. */
const packages: Record<string, string> = {
  preact: "preact.js",
  "preact/hooks": "preact-hooks.js",
  htm: "htm.js",
};

/** Names stand beside each other: `screens/fleet/fleet.ts` is served as `screens.fleet.fleet.js`. */
const nameOf = (file: string): string =>
  relative(root, file).replace(/\.ts$/, ".js").replaceAll(/[\\/]/g, ".");

/**
 * A module as a browser can load it: the names of packages and files are those under which they are served. A page
 * without inline scripts can have no import map.
 */
function withServedNames(source: string, folder: string): string {
  return source.replace(
    /(\bfrom\s*|\bimport\s*)"([^"\n]+)"/g,
    (whole, keyword: string, specifier: string) => {
      const name = specifier.startsWith(".") ? nameOf(join(folder, specifier)) : packages[specifier];
      return name === undefined ? whole : `${keyword}"./${name}"`;
    },
  );
}

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
const sources = globSync("**/*.ts", { cwd: root }).map((file) => join(root, file));
const ownModules = sources.map((file) => {
  const source = withoutComments(stripTypeScriptTypes(readFileSync(file, "utf8")));
  return asset(nameOf(file), javaScript, withServedNames(source, dirname(file)));
});
const packageModules = Object.entries(packages).map(([specifier, name]) => {
  const source = readFileSync(fileURLToPath(import.meta.resolve(specifier)), "utf8");
  return asset(name, javaScript, withServedNames(source.replace(/^\/\/# sourceMappingURL=.*$/m, ""), root));
});
const modules = [...ownModules, ...packageModules];

// Without these a browser would find out about a module only once it has read the one that imports it.
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
