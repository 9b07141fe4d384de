import { dirname, join } from "node:path";

const importLine = /^import\s+(?:(\w+)|\{([^}]*)\})\s+from\s+"([^"\n]+)";$/gm;
const exported = /^export\s+((?:async\s+)?function\*?|const|class)\s+(\w+)/gm;

/**
 * One module of many, so that a browser asks once. It knows the one form of `import` and `export` that the console's
 * sources have, and throws for any other. `sources` has each file's text by its path, `packages` under which name
 * each package is served. Every module becomes a function that is called once, after those that it imports.
 */
export function bundle(
  sources: ReadonlyMap<string, string>,
  entry: string,
  packages: Readonly<Record<string, string>>,
): string {
  const specifiers = Object.keys(packages);
  const done = new Map<string, string>();
  const bodies: string[] = [];
  const underWay = new Set<string>();

  const nameOf = (specifier: string, importer: string): string => {
    if (specifier.startsWith(".")) return add(join(dirname(importer), specifier));
    const index = specifiers.indexOf(specifier);
    if (index < 0) throw new Error(`${importer} imports ${specifier}, which the console does not serve`);
    return `$p${index}`;
  };
  const add = (file: string): string => {
    const known = done.get(file);
    if (known !== undefined) return known;
    const source = sources.get(file);
    if (source === undefined) throw new Error(`the console has no file ${file}`);
    if (underWay.has(file)) throw new Error(`${file} imports itself`);
    underWay.add(file);
    const names: string[] = [];
    const body = source
      .replace(importLine, (_whole, whole: string | undefined, list = "", specifier: string) => {
        const from = nameOf(specifier, file);
        return whole === undefined
          ? `const {${list.replaceAll(/\s+as\s+/g, ": ")}} = ${from};`
          : `const ${whole} = ${from}.default;`;
      })
      .replace(exported, (_whole, kind: string, name: string) => {
        names.push(name);
        return `${kind} ${name}`;
      });
    const [odd] = /^(?:import|export)\b.*$/m.exec(body) ?? [];
    if (odd !== undefined) throw new Error(`${file} has a line that is not understood: ${odd}`);
    const name = `$${bodies.length}`;
    bodies.push(`const ${name} = (() => {\n${body}\nreturn { ${names.join(", ")} };\n})();`);
    done.set(file, name);
    return name;
  };

  add(entry);
  const heads = specifiers.map(
    (specifier, index) => `import * as $p${index} from "./${packages[specifier]}";`,
  );
  return [...heads, ...bodies, ""].join("\n");
}
