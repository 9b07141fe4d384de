/** The files, beside those of npm, in which the version stands: what the images are labelled with, and what Kubernetes is to run. */
export const versionedFiles = [
  "**/Dockerfile.*",
  "deploy/kubernetes/{base,demo}/kustomization.yaml",
  "docs/kubernetes.md",
];

const kinds = ["major", "minor", "patch"];
const versionPattern = /^\d+\.\d+\.\d+$/;

/** The version that `wanted` asks for: one that is written out, or the next `major`, `minor` or `patch`. Throws where it is neither. */
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

/** The text with another version in the place of one that stands by itself. */
export function withVersion(text: string, before: string, after: string): string {
  return text.replaceAll(new RegExp(`(?<![\\d.])${before.replaceAll(".", "\\.")}(?![\\d.])`, "g"), after);
}

/** The changelog with what was pending under a version. Throws where nothing is pending. */
export function withRelease(changelog: string, version: string, date: string): string {
  const heading = /^## Pending$/m;
  const [, pending = ""] = /^## Pending$(.*?)(?=^## |$(?![\s\S]))/ms.exec(changelog) ?? [];
  if (pending.trim() === "") throw new Error("nothing stands under Pending in CHANGELOG.md");
  return changelog.replace(heading, `## Pending\n\n## ${version} (${date})`);
}
