import type { Mutations } from "./mutation.ts";

/** The command loop, and what may be begun and cancelled. */
export const commandLoop: Mutations = {
  "services/worker/processor/command-loop.ts": [
    {
      breaks: "A7: what is gone from the end of a log is not told until the next command comes",
      find: "isEndChecked && end > checkpoint.current.applied",
      replace: "false",
    },
    {
      breaks: "A2: a replay leaves out every command whose deadline has passed since",
      find: "isReplayed(checkpoint.current, sequence) ? withoutClient(command) : command",
      replace: "command",
    },
    {
      breaks: "A2: a command that was not brought to its end is passed over",
      find: "if (checkpoint.current.applied < sequence) return;",
      replace: "",
    },
    {
      breaks: "a replay never ends: nobody is told of the commands behind it",
      find: 'if (endReplay(context)) status.become("applying");',
      replace: "",
    },
    {
      breaks: "a command that was begun waits until somebody resumes the processor",
      find: "if (status.isPaused && !isBegun) {",
      replace: "if (status.isPaused) {",
    },
    {
      breaks: "a command is begun although the processor was paused meanwhile",
      find: 'if (status.isPaused && !gate.isBegun(command)) return "paused";',
      replace: "",
    },
    {
      breaks: "two commands of one Idempotency-Key are applied",
      find: 'if (!isClaimed && !gate.mustNotBegin(command)) return "unclaimed";',
      replace: "",
    },
    {
      breaks: "A7: a command is begun whose client was told that it never will be",
      find: 'if (gate.mustNotBegin(command)) return "late";',
      replace: "",
    },
    {
      breaks: "a log that was begun cannot be told from a new one where its checkpoint is gone",
      find: "if (!isNamed) await nameNewLog(this.#environment, context);",
      replace: "",
    },
    {
      breaks: "a step whose answer makes no sense stops the log for ever",
      find: "if (notUnderstoodAt && comparePositions(step.at, notUnderstoodAt) === 0)\n        return await passOver(context, step);",
      replace: "",
    },
    {
      breaks: "A5: a restart that an answer has shown is not reconciled",
      find: "supervisor.doubt(error);\n      if (error instanceof Interrupted) {",
      replace: "if (error instanceof Interrupted) {",
    },
    {
      breaks: "while the instance is away a command that was begun is not waited for: the worker spins",
      find: "        !gate.mayBeBegun(command) &&\n        !lostBefore(",
      replace: "        !lostBefore(",
    },
  ],
  "services/worker/processor/leave-out.ts": [
    {
      breaks: "A2: a command leaves the log before it is persisted that it must not be begun",
      find: "await checkpoint.flush();",
      replace: "",
    },
    {
      breaks: "A2: a command that expired stays in the log, and a replay applies it",
      find: "await stores.logs.delete(processor, sequence);",
      replace: "",
    },
    {
      breaks: "A2: a command that NATS does not delete is passed and stays in the log",
      find: "await stores.logs.delete(processor, sequence);\n  checkpoint.update({ applied: sequence, step: 0 });",
      replace:
        "checkpoint.update({ applied: sequence, step: 0 });\n  await stores.logs.delete(processor, sequence);",
    },
    {
      breaks: "a client is not told that its command was left out for another one of its key",
      find: "parts.outcomes.tellLeftOut(command, keyTaken);",
      replace: "",
    },
  ],
  "services/worker/processor/cancellation.ts": [
    {
      breaks: "A7: a command that a dead worker may have applied is said not to have been begun",
      find: "return isPerhapsBegun || this.isBegun({ sequence });",
      replace: "return this.isBegun({ sequence });",
    },
    {
      breaks: "A7: before it is reconciled, a command of an earlier worker is said not to have been begun",
      find: "#begunThrough = Number.POSITIVE_INFINITY;",
      replace: "#begunThrough = 0;",
    },
    {
      breaks: "a worker that has just begun applies a command in spite of its deadline, or of a pause",
      find: "this.#begunThrough = this.#current.applied;",
      replace: "",
    },
    {
      breaks: "A7: a command whose first steps were applied is said not to have been begun",
      find: "(this.#inHand <= applied || sequence === this.#inHand)",
      replace: "sequence === this.#inHand",
    },
    {
      breaks: "A7: a command whose intent is persisted is said not to have been begun",
      find: "return mark?.at.sequence === sequence;",
      replace: "return false;",
    },
    {
      breaks: "A7: a client is told so although it could not be persisted that its command must not begin",
      find: "() => false,",
      replace: "() => true,",
    },
    {
      breaks: "A7: a client is told so before it is persisted that its command must not begin",
      find: "return this.#checkpoint.flush().then(",
      replace: "return Promise.resolve().then(",
    },
    {
      breaks: "A2: a late command is taken out of the log although it was begun",
      find: " && !this.mayBeBegun(command);",
      replace: ";",
    },
    {
      breaks: "A7: a command that was cancelled while KATO was asked before it is applied",
      find: "if (this.mustNotBegin(command)) throw",
      replace: "if (this.mustNotBegin(command) && false) throw",
    },
    {
      breaks: "A7: a client is told that its command was not begun, while it is under way",
      find: "this.#begunThrough = command.sequence;",
      replace: "",
    },
    {
      breaks: "A7: of a command that is prepared it is said that nothing is",
      find: "const through = Math.max(this.#begunThrough, this.#preparedThrough);",
      replace: "const through = this.#begunThrough;",
    },
    {
      breaks: "A7: a cancelled command is applied",
      find: "return this.isLate(command) || this.#isCancelled(command.sequence);",
      replace: "return this.isLate(command);",
    },
    {
      breaks: "A7: of a command that is replayed a client is told that it was not begun",
      find: "isReplayed(this.#current, sequence) || this.mayBeBegun",
      replace: "this.mayBeBegun",
    },
    {
      breaks: "a cancelled command that a dead worker may have begun stops the log for ever",
      find: "perhapsBegunThrough && !this.#isCancelled(sequence);",
      replace: "perhapsBegunThrough;",
    },
    {
      breaks: "A7: an Observe that a dead worker may have answered is said not to have been begun",
      find: "if (!needsIntent(this.#current, command)) return;",
      replace: "",
    },
  ],
};
