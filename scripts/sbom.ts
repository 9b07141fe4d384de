import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Prints what the services may load, as a CycloneDX bill of materials. `npm sbom --omit=dev` leaves out every
// package that development needs too. So npm is shown a project that has no development.

interface Package {
  dev?: boolean;
  devDependencies?: Record<string, string>;
}

const root = join(import.meta.dirname, "..");
const read = (name: string) => readFileSync(join(root, name), "utf8");
const { devDependencies: _, scripts: __, ...program } = JSON.parse(read("package.json"));
const lock: { packages: Record<string, Package> } = JSON.parse(read("package-lock.json"));
const needed = Object.entries(lock.packages).filter(([, { dev }]) => !dev);
const packages = Object.fromEntries(
  needed.map(([path, { devDependencies: _, ...others }]) => [path, others]),
);
const folder = mkdtempSync(join(tmpdir(), "sbom-"));
try {
  writeFileSync(join(folder, "package.json"), JSON.stringify(program));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ ...lock, packages }));
  const options = ["--package-lock-only", "--sbom-format=cyclonedx", "--sbom-type=application"];
  const bom = JSON.parse(execFileSync("npm", ["sbom", ...options], { cwd: folder, encoding: "utf8" }));
  // npm calls it what the folder is called.
  bom.metadata.component.name = program.name;
  console.log(JSON.stringify(bom, undefined, 2));
} finally {
  rmSync(folder, { recursive: true });
}
