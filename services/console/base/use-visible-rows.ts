import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Rows beyond the seen ones, so that a quick scroll shows no gap. */
const spareRows = 6;

/** Which rows of a long list are seen. All rows have the same height; only the seen ones are made. */
export function useVisibleRows(
  count: number,
  rowPx: number,
): { scroller: RefObject<HTMLDivElement | null>; first: number; end: number } {
  const scroller = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ first: 0, end: 40 });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const look = () => {
      const first = Math.max(0, Math.floor(element.scrollTop / rowPx) - spareRows);
      const end = Math.ceil((element.scrollTop + element.clientHeight) / rowPx) + spareRows;
      setSeen((before) => (before.first === first && before.end === end ? before : { first, end }));
    };
    look();
    const resized = new ResizeObserver(look);
    resized.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [rowPx]);
  const end = Math.min(seen.end, count);
  return { scroller, first: Math.min(seen.first, end), end };
}
