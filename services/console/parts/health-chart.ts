import type { Sample } from "../base/history.ts";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import { formatNumber, formatSeconds } from "../model/format.ts";

const width = 300;
const lineHeight = 60;
const bandHeight = 8;

/** The states of the last minutes as a band, and over it how many commands waited. */
export function HealthChart({ samples }: { samples: readonly Sample[] }): Children {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || samples.length < 2) {
    return html`<p class="quiet">Shown once it has been watched for a few seconds.</p>`;
  }
  const spanMs = Math.max(last.atMs - first.atMs, 1);
  const x = ({ atMs }: Sample) => ((atMs - first.atMs) / spanMs) * width;
  const most = Math.max(...samples.map(({ depth }) => depth));
  const y = ({ depth }: Sample) => lineHeight - 2 - (most === 0 ? 0 : (depth / most) * (lineHeight - 6));
  const bands = samples.slice(0, -1).map((sample, index) => {
    const next = samples[index + 1] ?? last;
    return html`<rect
      key=${sample.atMs}
      class=${`band state-${sample.state}`}
      x=${x(sample)}
      y=${lineHeight}
      width=${Math.max(x(next) - x(sample) + 0.5, 0.5)}
      height=${bandHeight}
    />`;
  });
  const seen = [...new Set(samples.map(({ state }) => state))].join(", ");
  const span = formatSeconds(spanMs / 1_000);
  return html`<figure>
    <svg
      class="health"
      viewBox=${`0 0 ${width} ${lineHeight + bandHeight}`}
      preserveAspectRatio="none"
      role="img"
      aria-label=${`The last ${span}: states ${seen}; at most ${formatNumber(most)} waited, now ${formatNumber(last.depth)}.`}
    >
      <polyline points=${samples.map((sample) => `${x(sample).toFixed(1)},${y(sample).toFixed(1)}`).join(" ")} />
      ${bands}
    </svg>
    <figcaption class="quiet">
      The last ${span}: how many waited (at most ${formatNumber(most)}), and below it the state (${seen}).
    </figcaption>
  </figure>`;
}
