import htm from "htm";
import type { ComponentChildren } from "preact";
import { h } from "preact";

/** What a component is given, and gives. */
export type Children = ComponentChildren;

/** Makes elements of a template. Whatever is filled in is text or another element, and never HTML. */
export const html: (strings: TemplateStringsArray, ...values: unknown[]) => Children = htm.bind(h);
