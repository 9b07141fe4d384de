/** Lets one task run at a time, in the order in which they came (A1). */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` once every task before it has ended, however it ended. Settles as the task does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task, task);
    // Those that come later run after a task that failed too; its failure is its caller's.
    this.#last = run.catch(() => {});
    return run;
  }
}
