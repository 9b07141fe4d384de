import type { Mutations } from "./mutation.ts";

/** A processor around its command loop: how it is opened, and what is asked of it beside the log. */
export const processor: Mutations = {
  "services/worker/processor/open-checkpoint.ts": [
    {
      breaks: "A5: the worker before can still write the checkpoint",
      find: "await checkpoint.persist({ epoch: lease.worker });",
      replace: "",
    },
    {
      breaks: "A5: the writer of a failed opening writes later, over what the next one has written",
      find: "checkpoint.close();",
      replace: "",
    },
    {
      breaks: "A4: a worker whose checkpoint another one has written goes on",
      find: "if (error instanceof LeaseLost) events.leaseLost();",
      replace: "",
    },
    {
      breaks: "what was persisted is not loaded",
      find: "known ? { loaded: known, log: undefined } : await firstOrHeld",
      replace: "await firstOrHeld",
    },
  ],
  "services/worker/processor/slot.ts": [
    {
      breaks: "a worker that stopped for want of the lease never begins anew",
      find: "this.#environment.events.leaseLost();",
      replace: "",
    },
    {
      breaks: "A7: while its processor is being opened a command is said not to have been begun",
      find: '{ ...unknown("started"), sequence }',
      replace: "{ ...handedOver, sequence }",
    },
    {
      breaks: "a processor whose opening failed is never opened",
      find: "while (!this.#isStopping) {",
      replace: "if (!this.#isStopping) {",
    },
  ],
  "services/worker/processor/processor.ts": [
    {
      breaks: "A4, A5: a worker without the lease trims the log",
      find: "if (lease.held) await task();",
      replace: "await task();",
    },
    {
      breaks: "A4, A7: a worker without the lease says that a command was not begun",
      find: "this.#environment.lease.held && (await gate.cancel(sequence))",
      replace: "await gate.cancel(sequence)",
    },
    {
      breaks: "a client whose reply got lost is told that nobody knows",
      find: "outcomes.abandon(sequence) ?? {",
      replace: "{",
    },
    {
      breaks: "a query is answered before the command that it is to wait for",
      find: "query.after !== undefined &&",
      replace: "query.after === null &&",
    },
    {
      breaks: "a replay of a paused processor is never answered",
      find: 'if (status.isPaused) return { kind: "paused" };',
      replace: "",
    },
    {
      breaks: "A5: the log is replayed on an instance that was not cleared",
      find: 'if (rewound.kind === "replaying") context.instance.doubt();',
      replace: "",
    },
    {
      breaks: "A7: somebody is told that a replay will not be, and it may be",
      find: 'mayHappen ? undefined : { kind: "away" }',
      replace: '{ kind: "away" }',
    },
    {
      breaks: "a worker that stops leaves its checkpoint unwritten",
      find: 'if (lease.held) return checkpoint.persist(isExpecting ? {} : { epoch: "" });',
      replace: "if (lease.held) return;",
    },
  ],
  "services/worker/processor/replay-request.ts": [
    {
      breaks: "the first of two who ask for a replay is never answered",
      find: "this.#request ??=",
      replace: "this.#request =",
    },
  ],
  "services/worker/processor/applied-waiters.ts": [
    {
      breaks: "a query waits for a command more than it was to wait for",
      find: "if (sequence <= applied) resolve(true);",
      replace: "if (sequence < applied) resolve(true);",
    },
  ],
  "services/worker/processor/answer-query.ts": [
    {
      breaks: "predictions of the latest observation are given for those of another",
      find: "if (unique_id !== latestUniqueId) {",
      replace: "if (unique_id === undefined) {",
    },
    {
      breaks: "A2: a command that is sent as a query is applied past the log",
      find: 'if (!isMethod(method) || rpcs[method].kind !== "query") {',
      replace: "if (!isMethod(method)) {",
    },
  ],
  "services/worker/processor/requests.ts": [
    {
      breaks: "a reply that is larger than NATS takes is not sent at all",
      find: "const fits = reply.data.length <= limit;",
      replace: "const fits = limit > 0;",
    },
  ],
  "services/worker/processor/log-history.ts": [
    {
      breaks: "A3: recovery takes the steps that were applied for ones that were not",
      find: "if (step.at.sequence > from.sequence || step.at.step >= from.step) yield step;",
      replace: "yield step;",
    },
    {
      breaks: "an ingestion's counts begin anew at a command that reconciling finds applied",
      find: "await this.#counter.prepare(command);",
      replace: "",
    },
    {
      breaks: "A7: a step is told as unknown because NATS was away when the log was read",
      find: 'yield step;\n        }\n      }\n    } catch (cause) {\n      throw new NatsAway("the log cannot be read", { cause });',
      replace: "yield step;\n        }\n      }\n    } catch (cause) {\n      throw cause;",
    },
  ],
};
