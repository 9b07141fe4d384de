import type { Mutations } from "./mutation.ts";

/** What is told and kept of commands: replies, outcomes, keys, dead letters, an ingestion's counts. */
export const outcomes: Mutations = {
  "services/worker/outcomes/command-outcomes.ts": [
    {
      breaks: "a replay tells and counts commands again",
      find: "if (isReplayed(this.#options.checkpoint.current, sequence)) return;",
      replace: "",
    },
    {
      breaks: "a client that stopped waiting never learns what became of its command",
      find: "isAbandoned ? { ...command, store: true } : command, reply",
      replace: "isAbandoned ? command : command, reply",
    },
    {
      breaks: "A7: a command counts as applied before its outcome is kept",
      find: "this.#options.checkpoint.waitFor(kept);",
      replace: "",
    },
    {
      breaks: "A7: gateways are told that a command is applied while its outcome is still being kept",
      find: "this.#keeping.add(sequence);",
      replace: "",
    },
    {
      breaks: "A7: a client is told of a failure, and after a crash the command succeeds",
      find: 'if (reply.outcome === "failed") checkpoint',
      replace: 'if (reply.outcome === "expired") checkpoint',
    },
    {
      breaks: "a client is answered under its Idempotency-Key before that answer is kept",
      find: "else if (command.store && kept) kept",
      replace: "else if (command.store && kept && sequence < 0) kept",
    },
    {
      breaks: "clients see the interval go back after a restart",
      find: "interval: interval + offset };",
      replace: "interval };",
    },
    {
      breaks: "the answer to a request that is sent again has another time",
      find: "command.store ? { ...plain, atMs: Date.now() } : plain",
      replace: "command.store ? { ...plain } : plain",
    },
  ],
  "services/worker/outcomes/dead-letter.ts": [
    {
      breaks: "a command whose client was told of its failure becomes a dead letter",
      find: "return deadlineMs === undefined && (",
      replace: "return deadlineMs !== 0 && (",
    },
    {
      breaks: "A7: a command of unknown outcome that nobody waited for is lost silently",
      find: 'outcome === "failed" || outcome === "unknown"',
      replace: 'outcome === "failed"',
    },
  ],
  "services/worker/outcomes/ingestion-counter.ts": [
    {
      breaks: "a command of an ingestion is counted twice",
      find: "if (sequence <= before.through) return;",
      replace: "",
    },
    {
      breaks: "a command that was counted while its ingestion was archived is lost",
      find: "if (this.#counted[ingestion] !== counts) return;",
      replace: "",
    },
    {
      breaks: "an ingestion that goes on after it was archived is counted from 0",
      find: "?? this.#bases.get(ingestion) ?? noCounts;",
      replace: "?? noCounts;",
    },
    {
      breaks: "a command that was prepared while its ingestion was archived is counted from 0",
      find: "this.#keep(ingestion, counts);\n    this.#seen",
      replace: "this.#seen",
    },
    {
      breaks: "a checkpoint grows with every ingestion that is under way",
      find: "if (isIdle || entries.length - index > maxInCheckpoint)",
      replace: "if (isIdle)",
    },
  ],
  "services/worker/outcomes/outcome-recorder.ts": [
    {
      breaks: "what was applied after its client had stopped waiting cannot be asked for",
      find: " && !isOverdue(command, this.#options.clock))",
      replace: ")",
    },
    {
      breaks: "two commands of one Idempotency-Key are applied",
      find: "if (found && belongsToAnother(found.record, command)) return false;",
      replace: "",
    },
    {
      breaks: "the end of an earlier request frees the key that a later one holds",
      find: "(belongsToAnother(found.record, command) || isLaterAttempt(found.record, record))",
      replace: "belongsToAnother(found.record, command)",
    },
    {
      breaks: "the outcome of a key is overwritten by a command that was left out",
      find: "(belongsToAnother(found.record, command) || isLaterAttempt(found.record, record))",
      replace: "isLaterAttempt(found.record, record)",
    },
    {
      breaks: "an outcome that is recorded twice changes the answer that was given first",
      find: "if (found && isFinal(found.record, command)) return;",
      replace: "",
    },
    {
      breaks: "A7: a command that was tried again is told by the outcome of before",
      find: ' || (state === "failed" && method === "Observe")',
      replace: ' || state === "failed"',
    },
    {
      breaks: "an outcome is lost because NATS refuses it once",
      find: "if (this.#stopping) throw error;",
      replace: "throw error;",
    },
    {
      breaks: "an Idempotency-Key is not free after a command that expired",
      find: 'return state !== "queued" && state !== "expired";',
      replace: 'return state !== "queued";',
    },
    {
      breaks: "an outcome that is larger than NATS takes stops the log for ever",
      find: "if (reply.data.length <= limit) return reply;",
      replace: "if (limit > 0) return reply;",
    },
  ],
  "services/worker/outcomes/recent-replies.ts": [
    {
      breaks: "the first replies of a worker stay in memory, and later ones are not kept",
      find: "if (this.#replies.size > kept && oldest !== undefined) this.#replies.delete(oldest);",
      replace: "if (this.#replies.size > kept && oldest !== undefined) this.#replies.delete(reply.sequence);",
    },
  ],
  "libs/commands/outcomes/outcome-store.ts": [
    {
      breaks: "two requests of one Idempotency-Key both think that they hold it",
      find: "isWritten(this.#bucket.update(keyOf(processor, record.command), encodeRecord(record), revision))",
      replace: "isWritten(this.#bucket.put(keyOf(processor, record.command), encodeRecord(record)))",
    },
  ],
  "libs/commands/outcomes/ingestion-store.ts": [
    {
      breaks: "an ingestion's counts go back",
      find: 'if (entry?.operation === "PUT" && countedBy(entry.json<IngestionCounts>()) >= countedBy(counts)) return;',
      replace: "",
    },
    {
      breaks: "two gateways take in the same ingestion, each with its own record",
      find: ": await this.#bucket.update(key, text, revision);",
      replace: ": await this.#bucket.put(key, text);",
    },
  ],
  "libs/commands/outcomes/dead-letters.ts": [
    {
      breaks: "a dead letter that is put again after a crash is there twice",
      find: "max_msgs_per_subject: 1,",
      replace: "max_msgs_per_subject: 2,",
    },
  ],
};
