/**
 * The settings of one KATO, by the names that KATO has for them (docs/kato.md, "Contract").
 */
export interface Manifest {
  id: string;
  name: string;
  classifier: string;
  max_sequence_length: number;
  persistence: number;
  smoothness: number;
  auto_act_method: string;
  auto_act_threshold: number;
  always_update_frequencies: boolean;
  max_predictions: number;
  recall_threshold: number;
  quiescence: number;
  search_depth: number;
  sort: boolean;
}

/** What KATO takes for the keys that its manifest leaves out. */
export const defaultManifest: Readonly<Manifest> = {
  id: "p46b6b076c",
  name: "P1",
  classifier: "CVC",
  max_sequence_length: 0,
  persistence: 5,
  smoothness: 3,
  auto_act_method: "none",
  auto_act_threshold: 0.8,
  always_update_frequencies: false,
  max_predictions: 100,
  recall_threshold: 0.1,
  quiescence: 3,
  search_depth: 10,
  sort: true,
};

/**
 * Reads a manifest from a JSON text. Keys that it leaves out get their defaults, and keys that are not KATO's
 * are ignored. Each thing that is wrong is reported to `problem`.
 */
export function parseManifest(text: string, problem: (what: string) => void): Manifest {
  const given = parseObject(text);
  if (!given) {
    problem("is no JSON object");
    return { ...defaultManifest };
  }
  const values = new Map<string, unknown>(Object.entries(given));
  for (const [key, fallback] of Object.entries(defaultManifest)) {
    if (values.has(key) && typeof values.get(key) !== typeof fallback) {
      problem(`has a ${key} that is no ${typeof fallback}`);
    }
  }
  const manifest: Manifest = { ...defaultManifest, ...given };
  if (manifest.id === "") problem("has an empty id");
  if (manifest.classifier !== "CVC") problem('has a classifier that is not "CVC"');
  return manifest;
}

function parseObject(text: string): Partial<Manifest> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
