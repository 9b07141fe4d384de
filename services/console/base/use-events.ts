import { useEffect, useState } from "preact/hooks";

/**
 * What the latest of a path's server-sent events says. Nothing is listened to while the page is hidden, and none after
 * the last: `isLast` says which that is.
 */
export function useEvents<T>(path: string, isLast: (value: T) => boolean): T | undefined {
  const [latest, setLatest] = useState<{ path: string; value: T }>();
  useEffect(() => {
    let events: EventSource | undefined;
    let isOver = false;
    const stop = () => {
      events?.close();
      events = undefined;
    };
    const listen = () => {
      if (isOver || document.hidden) return stop();
      events ??= new EventSource(path);
      events.onmessage = ({ data }: MessageEvent<string>) => {
        const value: T = JSON.parse(data);
        setLatest({ path, value });
        if (!isLast(value)) return;
        isOver = true;
        stop();
      };
    };
    document.addEventListener("visibilitychange", listen);
    listen();
    return () => {
      document.removeEventListener("visibilitychange", listen);
      stop();
    };
  }, [path]);
  return latest?.path === path ? latest.value : undefined;
}
