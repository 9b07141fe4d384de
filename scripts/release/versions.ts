/**
 * The files besides npm's that have the version in them: the labels of the images, and what Kubernetes is to
 * run.
 */
export const versionedFiles = [
  "**/Dockerfile.*",
  "deploy/kubernetes/{base,demo}/kustomization.yaml",
  "docs/kubernetes.md",
];

const kinds = ["major", "minor", "patch"];
const versionPattern = /^\d+\.\d+\.\d+$/;

/**
 * The version that `wanted` asks for: a version that is written out, or the next `major`, `minor` or `patch`.
 * Throws if it is neither, or not later than `current`.
 */
export function nextVersion(current: string, wanted: string): string {
  const numbers = current.split(".").map(Number);
  const kind = kinds.indexOf(wanted);
  const next =
    kind < 0 ? wanted : numbers.map((n, index) => (index < kind ? n : index === kind ? n + 1 : 0)).join(".");
  if (!versionPattern.test(next))
    throw new Error(`"${wanted}" is none of ${kinds.join(", ")}, and no version like 1.2.3`);
  if (next.localeCompare(current, "en", { numeric: true }) <= 0)
    throw new Error(`${next} is not after ${current}`);
  return next;
}

/** The text with `after` wherever `before` stands by itself, that is, not as a part of a longer version. */
export function withVersion(text: string, before: string, after: string): string {
  return text.replaceAll(new RegExp(`(?<![\\d.])${before.replaceAll(".", "\\.")}(?![\\d.])`, "g"), after);
}

/**
 * The changelog with everything that was pending under a heading for this version. Throws if nothing is
 * pending.
 */
export function withRelease(changelog: string, version: string, date: string): string {
  const heading = /^## Pending$/m;
  const [, pending = ""] = /^## Pending$(.*?)(?=^## |$(?![\s\S]))/ms.exec(changelog) ?? [];
  if (pending.trim() === "") throw new Error("nothing stands under Pending in CHANGELOG.md");
  return changelog.replace(heading, `## Pending\n\n## ${version} (${date})`);
}
