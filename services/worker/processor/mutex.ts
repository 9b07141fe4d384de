/** Lets one task run at a time, in the order in which they came (A1). */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `task` once every earlier task has ended, whether that succeeded or failed. Settles as the task
   * does.
   */
  run<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task, task);
    // Later tasks also run after a task that has failed. Only the caller of that task gets the failure.
    this.#last = run.catch(() => {});
    return run;
  }
}
