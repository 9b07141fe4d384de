import { invalid } from "../../http/problem.ts";
import { maxFloat32 } from "../../http/schemas.ts";

/** The value as the wire has it, a float32; undefined for a value that is refused. */
type GeneCheck = (value: unknown) => number | undefined;

function numberWithin(min: number, max: number): GeneCheck {
  return (value) => (typeof value === "number" && value >= min && value <= max ? value : undefined);
}

const anyNumber = numberWithin(-maxFloat32, maxFloat32);

/**
 * The genes that can be set safely, with the values that each may have. A new gene also goes into
 * description.ts, and into the worker's engine/adopt.ts, which asks for the genes of an instance that is new.
 */
const settable: Record<string, { check: GeneCheck; says: string }> = {
  recall_threshold: { check: numberWithin(0, 1), says: "must be a number from 0 to 1" },
  max_sequence_length: {
    check: (value) => (Number.isSafeInteger(value) ? numberWithin(0, maxFloat32)(value) : undefined),
    says: "must be a whole number, 0 or more",
  },
  persistence: { check: anyNumber, says: "must be a number" },
  smoothness: { check: anyNumber, says: "must be a number" },
  always_update_frequencies: {
    check: (value) => (typeof value === "boolean" ? Number(value) : anyNumber(value)),
    says: "must be true, false or a number",
  },
};

/** Why a gene that is not settable is refused (docs/kato.md, RPC by RPC: UpdateGenes). */
function refusal(gene: string): string {
  if (gene === "max_predictions") {
    return "cannot be changed at run time: KATO then fails on every observation until it is restarted";
  }
  return `is not one of the genes that can be set: ${Object.keys(settable).join(", ")}`;
}

/** The genes as the wire has them. Throws INVALID_INPUT naming the gene that is wrong. */
export function checkGenes(genes: Record<string, unknown>): Record<string, number> {
  const entries = Object.entries(genes);
  if (entries.length === 0) invalid("body", "names no gene");
  return Object.fromEntries(
    entries.map(([gene, value]) => {
      const rule = Object.hasOwn(settable, gene) ? settable[gene] : undefined;
      if (!rule) invalid(gene, refusal(gene));
      return [gene, rule.check(value) ?? invalid(gene, rule.says)];
    }),
  );
}
