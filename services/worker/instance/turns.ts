/** Lets one task run at a time, in the order they came (A1). */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` once every task before it has ended, however it ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task, task);
    // The chain goes on after a task that fails; its failure is its caller's.
    this.#last = turn.catch(() => {});
    return turn;
  }
}
