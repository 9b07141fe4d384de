import type { Mutations } from "./mutation.ts";

/** The command log: its writers, its reader, its limits; commands and replies as messages. */
export const commandLog: Mutations = {
  "libs/commands/log/log-reader.ts": [
    {
      breaks: "A2: a command that a reset consumer repeats is applied twice",
      find: "if (message.seq < this.#next) continue;",
      replace: "",
    },
    {
      breaks: "the log is read no more once the server of its consumer is gone",
      find: '"heartbeats_missed", ',
      replace: "",
    },
    {
      breaks: "A2: a consumer that ends is replaced by one that begins anew",
      find: "this.#opened ?? (await open(this.#next));",
      replace: "this.#opened ?? (await open(this.#options.from));",
    },
    {
      breaks: "a reader that is closed while NATS is away never ends",
      find: "this.#messages?.stop();\n    this.#away?.resolve();",
      replace: "this.#messages?.stop();",
    },
  ],
  "libs/commands/log/log-writer.ts": [
    {
      breaks: "A2: a line of an ingestion is stored before the line that was refused before it",
      find: 'before && { "Nats-Expected-Last-Msg-Id": before.id }',
      replace: "undefined",
    },
    {
      breaks: "a replicated log is left without a leader",
      find: "options.log.isReplicated ? 1 : maxCommands.oneByOne",
      replace: "options.log.isReplicated ? 8 : maxCommands.oneByOne",
    },
    {
      breaks: "A2: a batch is stored before the one that was sent before it",
      find: "if (isLast && !this.#unanswered.isEmpty) return false;",
      replace: "",
    },
    {
      breaks:
        "while others write in between, batches are begun again and again until JetStream takes no more",
      find: "if (!batch && this.#unanswered.count > 1) return false;",
      replace: "",
    },
    {
      breaks: "a batch that JetStream has stored already is refused again and again",
      find: "if (numbers.count > 1) this.#batchesFrom = numbers.first + numbers.count;",
      replace: "",
    },
    {
      breaks: "a batch whose acknowledgement got lost is sent as a batch, which is refused",
      find: "this.#batchesFrom = this.#batch?.numbers.first ?? this.#queue.nextNumber;",
      replace: "",
    },
    {
      breaks: "A6: lines get the sequences of a batch that the server did not take as one",
      find: "answer.sequence !== undefined && (answer.count ?? 1) === numbers.count",
      replace: "answer.sequence !== undefined",
    },
    {
      breaks: "A7: a command that may be stored is said not to be",
      find: "this.#queue.markUnanswered();",
      replace: "",
    },
    {
      breaks: "a log that is full is not told as full",
      find: "if (refusal) this.#fail(refusal);",
      replace: "",
    },
    {
      breaks: "a long ingestion fails although it goes on",
      find: "this.#progressAt = now;",
      replace: "",
    },
  ],
  "libs/nats/headers.ts": [
    {
      breaks: "a value of a header adds a header of its own",
      find: 'if (/[\\r\\n]/.test(value)) throw InvalidArgumentError.format(name, "has a line break");',
      replace: "",
    },
  ],
  "libs/commands/log/unanswered-publishes.ts": [
    {
      breaks: "A2: late answers count as answers to a resend",
      find: "this.#run++;",
      replace: "",
    },
    {
      breaks: "nothing is sent again over a new connection until the old one's answers are given up",
      find: "(!isSilent && session === this.#session)",
      replace: "!isSilent",
    },
  ],
  "libs/commands/log/publish-queue.ts": [
    {
      breaks: "A6: the lines of a batch get each other's sequences",
      find: "entry.sequence = sequence - count + 1 + index;",
      replace: "entry.sequence = sequence - index;",
    },
    {
      breaks: "A7: a batch that JetStream may store later, when it has room, is said not to be",
      find: "numbers.count === 1 || !isStoreFullCode(error.code)",
      replace: "true",
    },
    {
      breaks: "a line of a batch that was refused is said to be perhaps stored",
      find: "else if (!entry.wasUnanswered) entry.sentAt = 0;",
      replace: "",
    },
    {
      breaks: "the writer is stuck behind a late acknowledgement",
      find: "this.#next = Math.max(this.#next, this.#first);",
      replace: "",
    },
    {
      breaks: "a refusal of before a resend counts again",
      find: "for (const entry of this.#sent()) delete entry.error;",
      replace: "",
    },
    {
      breaks: "A7: a command whose first publish got no answer is said not to be stored",
      find: "if (sentAt > 0 && (!error || wasUnanswered)) return true;",
      replace: "if (sentAt > 0 && !error) return true;",
    },
    {
      breaks: "a writer is full for ever after so many bytes",
      find: "this.#bytes -= command.data.length;",
      replace: "",
    },
  ],
  "libs/commands/log/publish-command.ts": [
    {
      breaks: "A7: a command is said not to be stored, and an earlier attempt may have stored it",
      find: "throw attempt === 1 ? refusalOf(answer.error, processor) : unanswered(processor);",
      replace: "throw refusalOf(answer.error, processor);",
    },
    {
      breaks: "a command whose acknowledgement got lost is not sent again",
      find: "const publishAttempts = 3;",
      replace: "const publishAttempts = 1;",
    },
  ],
  "libs/commands/log/publish-errors.ts": [
    {
      breaks: "A7: a command that was not acknowledged is said not to be stored",
      find: '{ processor, effect: "unknown", retryAfterSeconds: 1 },',
      replace: '{ processor, effect: "none", retryAfterSeconds: 1 },',
    },
    {
      breaks: "a log that is full is not told as full",
      find: "code === errorCodes.noStorage || code === errorCodes.storeFailed",
      replace: "code === errorCodes.noStorage",
    },
  ],
  "libs/commands/log/create-log.ts": [
    {
      breaks: "A6: a log that is full drops accepted commands",
      find: "discard: DiscardPolicy.New,",
      replace: "discard: DiscardPolicy.Old,",
    },
    {
      breaks: "A2: a command that is sent again is stored twice",
      find: "const duplicateWindowMs = 120_000;",
      replace: "const duplicateWindowMs = 1_000;",
    },
    {
      breaks: "a log that is made anew gives a sequence that was used to another command",
      find: "Math.max(usedThrough, await appliedOf(manager, processor))",
      replace: "usedThrough",
    },
  ],
  "libs/commands/log/command-logs.ts": [
    {
      breaks: "A5: recovery reads a log from a replica that is behind, and takes its end for the log's",
      find: "if (next > end || (behind === 0 && (await isAtEnd()))) break;",
      replace: "if (next > end || behind === 0) break;",
    },
    {
      breaks: "A2: a command that NATS does not delete counts as deleted",
      find: "error instanceof JetStreamApiError && (await this.next(processor, sequence)) > sequence;",
      replace: "error instanceof JetStreamApiError;",
    },
    {
      breaks: "A5: one command more is trimmed, which a rebuild may need",
      find: "{ seq: sequence });",
      replace: "{ seq: sequence + 1 });",
    },
    {
      breaks: "recovery waits for ever for a command that was removed meanwhile",
      find: "(ends) => ends && reader.close(),",
      replace: "() => {},",
    },
  ],
  "libs/commands/log/log-info.ts": [
    {
      breaks: "A5: the state of a log is taken from a replica that is behind",
      find: "if (info.cluster && !info.cluster.leader) throw",
      replace: "if (info.cluster && info.cluster.name === undefined) throw",
    },
  ],
  "libs/commands/log/queue-depth.ts": [
    {
      breaks: "the length of a queue is told without what its worker has not reported yet",
      find: "last - Math.max(reported, persisted)",
      replace: "last - reported",
    },
  ],
  "libs/commands/messages/command.ts": [
    {
      breaks: "a request that is sent again under its key is taken for a duplicate, and never applied",
      find: "once.attempt}` : id",
      replace: "once.fingerprint}` : id",
    },
    {
      breaks: "A2: a command is started after its client has stopped waiting",
      find: "...(deadlineMs > 0 && { deadlineMs }),",
      replace: "",
    },
    {
      breaks: "what became of a command that is not waited for cannot be asked",
      find: '...(header(commandHeaders.store) !== "" && { store: true }),',
      replace: "",
    },
    {
      breaks: "a command's answer is worded otherwise when it is asked for later",
      find: "if (command.form !== undefined) all[commandHeaders.form] = command.form;",
      replace: "",
    },
  ],
  "libs/commands/messages/reply.ts": [
    {
      breaks: "a reply whose detail has several lines is not sent",
      find: 'reply.detail.replace(/\\s+/g, " ")',
      replace: "reply.detail",
    },
    {
      breaks: "A7: a reply that makes no sense is told as a failure",
      find: 'isOutcome(outcome) ? outcome : "unknown"',
      replace: 'isOutcome(outcome) ? outcome : "failed"',
    },
    {
      breaks: "a command that is almost as large as NATS takes is refused by NATS, and not by the gateway",
      find: "return maxPayloadBytes - maxHeaderBytes;",
      replace: "return maxPayloadBytes - 0 * maxHeaderBytes;",
    },
    {
      breaks: "clients see the interval of a reply as 0",
      find: '...(interval !== "" && { interval: Number(interval) }),',
      replace: "interval: 0,",
    },
  ],
  "libs/nats/inbox.ts": [
    {
      breaks: "A7: a request gets the reply of the one before it",
      find: "const token = String(++this.#lastToken);",
      replace: "const token = String(this.#lastToken);",
    },
  ],
  "libs/nats/cheap-updates.ts": [
    {
      breaks: "a lease that was renewed with others is lost, as its revision is not known",
      find: "resolve(seq - updates.length + 1 + index);",
      replace: "resolve(seq);",
    },
    {
      breaks: "a lease that is lost takes those with it that are renewed at the same moment",
      find: "for (const update of updates) void sendOne(update, leftMs);",
      replace: "for (const { reject } of updates) reject(error);",
    },
    {
      breaks: "A4: a lease is believed that a NATS without batches has refused to renew",
      find: "const isWhole = count === updates.length;",
      replace: "const isWhole = count > 0;",
    },
    {
      breaks: "A4: a renewal that is sent with others takes back the lease that another worker has taken",
      find: '"Nats-Expected-Last-Subject-Sequence": String(revision),',
      replace: "",
    },
  ],
};
