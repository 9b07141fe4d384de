/** Of a dead owner no timer fires, of a frozen one it fires once that has woken up. */
export interface TimerOwner {
  readonly isDead: boolean;
  readonly isFrozen?: boolean;
}

interface Timer {
  dueMs: number;
  /** Timers that are due at the same time fire in the order in which they were set. */
  order: number;
  owner: TimerOwner;
  task: () => void;
}

/** A clock that stands still until whoever drives the schedule has nothing else to do. */
export class VirtualClock {
  nowMs = 1_000_000;
  #timers: Timer[] = [];
  #order = 0;

  /** Does a task after `ms`, unless it is cancelled or its owner is dead by then. */
  after(owner: TimerOwner, ms: number, task: () => void): () => void {
    const timer = { dueMs: this.nowMs + ms, order: ++this.#order, owner, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  sleep(owner: TimerOwner, ms: number): Promise<void> {
    return new Promise((resolve) => this.after(owner, ms, resolve));
  }

  /** Moves on to the next timer and fires it; false where there is none. */
  fireNext(): boolean {
    this.#timers = this.#timers.filter(({ owner }) => !owner.isDead);
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.owner.isFrozen) continue;
      if (!next || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer;
      }
    }
    if (!next) return false;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.nowMs = Math.max(this.nowMs, next.dueMs);
    next.task();
    return true;
  }
}
