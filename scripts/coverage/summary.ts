import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";

/** How many lines a file or a folder has, and how many of them were run. */
interface Lines {
  total: number;
  run: number;
}

const maxNamed = 20;

/**
 * The text to print: a line for each folder of services/ and libs/ with the share of its lines that were run,
 * a line for all folders together, and the files that no test has loaded. `lcov` is a report in the format of
 * that name.
 */
export function summaryOf(lcov: string, root: string): string {
  const files = new Map([...recordsOf(lcov)]);
  const sources = globSync("{services,libs}/**/*.ts", { cwd: root });
  const unloaded = sources.filter((file) => !files.has(file) && hasCode(join(root, file)));
  for (const file of unloaded) files.set(file, { total: lineCountOf(join(root, file)), run: 0 });
  const folders = new Map<string, Lines>();
  for (const [file, lines] of files) {
    for (const folder of [dirname(file), "all"]) {
      const { total, run } = folders.get(folder) ?? { total: 0, run: 0 };
      folders.set(folder, { total: total + lines.total, run: run + lines.run });
    }
  }
  const names = [...folders.keys()].filter((name) => name !== "all").toSorted();
  const rows = [...names, "all"].map((name) => rowOf(name, folders.get(name)));
  const named = unloaded.toSorted().slice(0, maxNamed).join(", ");
  return [...rows, `${unloaded.length} files were loaded by no test${named && `, as ${named}`}`].join("\n");
}

function* recordsOf(lcov: string): Generator<[string, Lines]> {
  for (const record of lcov.split("end_of_record")) {
    const field = (name: string) => new RegExp(`^${name}:(.*)$`, "m").exec(record)?.[1];
    const file = field("SF");
    if (file !== undefined) yield [file, { total: Number(field("LF")), run: Number(field("LH")) }];
  }
}

function rowOf(name: string, { total, run }: Lines = { total: 0, run: 0 }): string {
  const percent = total === 0 ? "-" : ((100 * run) / total).toFixed(1);
  return `${name.padEnd(32)} ${percent.padStart(6)} % of ${String(total).padStart(6)} lines`;
}

/** Whether a file has anything but types. Node loads only such files. */
function hasCode(path: string): boolean {
  const code = stripTypeScriptTypes(readFileSync(path, "utf8"));
  return code.replace(/\/\*.*?\*\/|\/\/.*?$/gms, "").trim() !== "";
}

function lineCountOf(path: string): number {
  return readFileSync(path, "utf8").trimEnd().split("\n").length;
}
