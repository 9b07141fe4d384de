import { useLayoutEffect, useState } from "preact/hooks";

/** A value that several components show. */
export interface Observable<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

export function observable<T>(initial: T): Observable<T> {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The value now; the component is rendered again when it changes. */
export function useObservable<T>(source: Observable<T>): T {
  const [value, setValue] = useState({ is: source.get() });
  useLayoutEffect(() => {
    const read = () =>
      setValue((before) => (Object.is(before.is, source.get()) ? before : { is: source.get() }));
    // It may have changed since it was rendered.
    read();
    return source.subscribe(read);
  }, [source]);
  return value.is;
}
