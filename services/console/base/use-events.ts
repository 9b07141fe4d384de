import { useEffect, useRef, useState } from "preact/hooks";

export interface EventsOptions<T, S> {
  /** Where the events are, for whoever knows `state` already; undefined at first. */
  pathFrom(state: S | undefined): string;
  /** What is known after an event. */
  take(state: S | undefined, event: T): S;
  /** Whether this was the last event. */
  isLast?(state: S): boolean;
}

/**
 * What server-sent events have told by now. Nothing is listened to while the page is hidden, nor after the last event.
 * With another `key` it begins anew.
 */
export function useEvents<T, S = T>(key: string, options: EventsOptions<T, S>): S | undefined {
  const [told, setTold] = useState<{ key: string; state: S }>();
  const latest = useRef(options);
  latest.current = options;
  useEffect(() => {
    let events: EventSource | undefined;
    let state: S | undefined;
    let isOver = false;
    const stop = () => {
      events?.close();
      events = undefined;
    };
    const listen = () => {
      if (isOver || document.hidden) return stop();
      events ??= new EventSource(latest.current.pathFrom(state));
      events.onmessage = ({ data }: MessageEvent<string>) => {
        const { take, isLast } = latest.current;
        const after = take(state, JSON.parse(data));
        state = after;
        setTold({ key, state: after });
        if (!isLast?.(after)) return;
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
  }, [key]);
  return told?.key === key ? told.state : undefined;
}
