import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";

const sameDay = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const otherDay = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** A time in the reader's zone, with the exact one on hover. */
export function When({ time }: { time: string }): Children {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  return html`<time datetime=${time} title=${time}>${(isToday ? sameDay : otherDay).format(date)}</time>`;
}
