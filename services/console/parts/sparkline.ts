import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";

const width = 80;
const height = 20;

/** A line of the last values, the newest at the right. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }): Children {
  const highest = Math.max(...values, 0);
  if (highest === 0 || values.length < 2)
    return html`<span class="sparkline quiet" aria-hidden="true">—</span>`;
  const step = width / Math.max(values.length - 1, 1);
  const points = values.map((value, index) => {
    const y = height - 1 - (value / highest) * (height - 2);
    return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return html`<svg
    class="sparkline"
    viewBox=${`0 0 ${width} ${height}`}
    preserveAspectRatio="none"
    role="img"
    aria-label=${label}
  >
    <polyline points=${points.join(" ")} />
  </svg>`;
}
