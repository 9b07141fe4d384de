import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { isAborted } from "./api.ts";

export interface Polled<T> {
  /** What was loaded last; undefined until then. */
  value: T | undefined;
  /** Why it could not be loaded the last time. */
  error: unknown;
  /** Loads it at once. Resolves when that is done. */
  refresh(): Promise<void>;
}

export interface PollOptions {
  /** How long after it has come it is loaded again; once without it. */
  everyMs?: number;
  /** Loads it again when this has changed. Until it has come, what was there is shown. */
  version?: unknown;
}

/**
 * Loads something and keeps it up to date. Nothing is loaded while the page is hidden, and at once when it is seen
 * again. `key` says what is loaded: with another one it begins anew.
 */
export function usePoll<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { everyMs, version }: PollOptions = {},
): Polled<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown }>({ key });
  const latest = useRef(load);
  latest.current = load;
  const now = useRef<() => Promise<void>>(async () => {});

  // Not `useEffect`, which waits for the page to be painted first: nothing is seen before the answer has come.
  useLayoutEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let running: AbortController | undefined;
    let isOver = false;
    const run = async () => {
      clearTimeout(timer);
      running?.abort();
      const own = new AbortController();
      running = own;
      const isLatest = () => running === own && !isOver;
      try {
        const value = await latest.current(own.signal);
        if (isLatest()) setState({ key, value });
      } catch (error) {
        if (isLatest() && !isAborted(error)) {
          setState((before) => (before.key === key ? { ...before, error } : { key, error }));
        }
      }
      if (!isLatest()) return;
      running = undefined;
      if (everyMs !== undefined && !document.hidden) timer = setTimeout(run, everyMs);
    };
    const onVisibility = () => {
      if (document.hidden) clearTimeout(timer);
      else if (everyMs !== undefined && !running) void run();
    };
    now.current = run;
    document.addEventListener("visibilitychange", onVisibility);
    void run();
    return () => {
      isOver = true;
      clearTimeout(timer);
      running?.abort();
      document.removeEventListener("visibilitychange", onVisibility);
    };
  }, [key, everyMs, version]);

  const isCurrent = state.key === key;
  return {
    value: isCurrent ? state.value : undefined,
    error: isCurrent ? state.error : undefined,
    refresh: () => now.current(),
  };
}
