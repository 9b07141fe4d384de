import type { Mutations } from "./mutation.ts";

/** The instance: its supervision, the calls to it, what is asked of it, and what is told of it. */
export const instance: Mutations = {
  "services/worker/processor/lost-evidence.ts": [
    {
      breaks: "after a restart of the worker Observes are applied in spite of their deadlines",
      find: "if (rebuilding || interval >= expected) return;",
      replace: "",
    },
  ],
  "services/worker/processor/instance-supervisor.ts": [
    {
      breaks: "commands fail one after the other while the database is away",
      find: "return !instance.isDatabaseSuspected || this.#probeDatabase();",
      replace: "return true;",
    },
    {
      breaks: "A5: an instance is adopted again and again: what it lost is not noticed",
      find: "this.#mustAdopt = false;",
      replace: "",
    },
    {
      breaks: "the settings of an instance that is new to the gateway are not known",
      find: "mustAdopt && (await adopt(context, interval));",
      replace: "false;",
    },
    {
      breaks: "A7: a command that a dead worker has applied and answered expires",
      find: "if (!mustAdopt && this.#isFirst) await noteLostEvidence(context, interval, () => this.#lastStored());",
      replace: "",
    },
    {
      breaks: "after every restart of an instance late commands are applied all the same",
      find: "this.#isFirst = false;",
      replace: "",
    },
    {
      breaks: "A5: commands are applied behind a rebuild by hand that has failed halfway",
      find: "throw error;\n        this.doubt(error);\n        return undefined;",
      replace: "throw error;\n        return undefined;",
    },
    {
      breaks: "an idle processor whose database is away is told as ready",
      find: "isDatabaseDue ? this.#probeDatabase(interval) : context",
      replace: "context",
    },
    {
      breaks: "A4: a worker without the lease stays at its call, and its processor is not given up",
      find: "lease.held ? closeGraceMs : 0",
      replace: "closeGraceMs",
    },
    {
      breaks: "a worker that stops cuts off the call under way",
      find: "await this.exclusively(async () => context.instance.close());",
      replace: "context.instance.close();",
    },
    {
      breaks: "A1: the watch reconciles an instance while a command is applied",
      find: ".run(() => this.#look())",
      replace: ".run(async () => true).then(() => this.#look())",
    },
    {
      breaks: "A7: a log that cannot be read counts as one without commands",
      find: 'lastStored().catch((cause) => {\n      throw new NatsAway("the log cannot be read", { cause });\n    });',
      replace: "lastStored().catch(() => 0);",
    },
    {
      breaks: "an instance whose answers make no sense is not told as down",
      find: "throw new Interrupted(this.#obstacle, { cause: error });",
      replace: "throw error;",
    },
  ],
  "services/worker/processor/mutex.ts": [
    {
      breaks: "A1: a task begins before the one before it has ended",
      find: "this.#last = run.catch(() => {});",
      replace: "",
    },
  ],
  "services/worker/processor/status.ts": [
    {
      breaks: "a paused processor hides that its instance is away",
      find: 'const isShownPaused = this.isPaused && this.#state !== "down" && this.#state !== "held";',
      replace: 'const isShownPaused = this.isPaused && this.#state !== "held";',
    },
    {
      breaks: "a processor whose instance was rebuilt is told as rebuilding for a while",
      find: ' || before === "rebuilding") this.#onNews()',
      replace: ") this.#onNews()",
    },
  ],
  "services/worker/processor/drain-rate.ts": [
    {
      breaks: "a processor that is used a little at a time seems slow, and commands are refused",
      find: "before.state !== now.state || before.since !== now.since",
      replace: "before.state !== now.state",
    },
  ],
  "services/worker/processor/reports.ts": [
    {
      breaks: "an idle processor is taken for one that nobody runs",
      find: "if (!isNews && !isDue) return;",
      replace: "if (!isNews) return;",
    },
    {
      breaks: "after a rest a change is told up to a second late",
      find: "this.#text !== undefined && this.#processor.version === this.#version;",
      replace: "this.#text !== undefined;",
    },
  ],
  "services/worker/instance/instance.ts": [
    {
      breaks: "A4: a worker without the lease calls the instance",
      find: "checkHeld(lease, processor);",
      replace: "",
    },
    {
      breaks: "A3, A5: a call goes out over another connection than the one that was reconciled",
      find: "if (this.#connection !== this.#port.connections) {",
      replace: "if (this.#connection < 0) {",
    },
    {
      breaks: "another processor's instance is given the commands",
      find: "this.#stranger = id === processor ? undefined : id;",
      replace: "this.#stranger = undefined;",
    },
    {
      breaks: "A5: a connection that came up during the reconciling counts as reconciled",
      find: "this.#reconciled = connection;",
      replace: "this.#reconciled = this.#port.connections;",
    },
    {
      breaks: "A5: an instance behind a new connection is not reconciled",
      find: "return this.#port.ready && this.#reconciled === this.#port.connections;",
      replace: "return this.#port.ready && this.#reconciled > 0;",
    },
    {
      breaks: "A3: after a call whose end was not seen commands go on",
      find: "this.#reconciled = 0;",
      replace: "",
    },
    {
      breaks: "a processor whose database fails is told as up after one question",
      find: "this.#isDatabaseSuspected = isFailing;",
      replace: "this.#isDatabaseSuspected = false;",
    },
    {
      breaks: "an instance that answers no probe is told as up",
      find: "this.doubt();\n      return false;\n    }\n    this.#answeredAt = this.#options.clock.monotonicMs();\n    if (",
      replace: "return true;\n    }\n    this.#answeredAt = this.#options.clock.monotonicMs();\n    if (",
    },
  ],
  "libs/kato/grpc-connection.ts": [
    {
      breaks: "A4: a call is written although the lease has ended since",
      find: "if (mayWrite && !mayWrite())",
      replace: "if (mayWrite === undefined)",
    },
    {
      breaks: "an instance that says goodbye is connected to only when its last call has ended",
      find: 'this.#session.on("goaway", () => this.retire());',
      replace: "",
    },
    {
      breaks:
        "A4: a call is kept until the instance has room for it, and written when the lease may have ended",
      find: "if (this.#calls.size >= maxConcurrentStreams)",
      replace: "if (maxConcurrentStreams === 0)",
    },
    {
      breaks: "A3: a response that broke off counts as an answer",
      find: "if (stream.destroyed) return;",
      replace: "",
    },
    {
      breaks: "an answer that comes before the whole message was sent leaves the rest to be sent",
      find: "if (!stream.writableFinished) stream.close(NGHTTP2_CANCEL);",
      replace: "",
    },
  ],
  "libs/kato/unary-call.ts": [
    {
      breaks: "A3: a call whose end was not seen counts as answered",
      find: 'kind: inconclusive.has(status) ? "unseen" : "answered"',
      replace: 'kind: "answered"',
    },
  ],
  "services/worker/instance/questions.ts": [
    {
      breaks: "a processor with a large working memory is stuck",
      find: 'if (result.kind === "answered" && result.status === grpc.RESOURCE_EXHAUSTED) {',
      replace: 'if (result.kind === "answered" && result.status === grpc.OK) {',
    },
    {
      breaks: "A7: a recovery goes on although a call of it has failed",
      find: 'if (response.status === "FAILED") throw new QuestionFailed(method, response);',
      replace: "",
    },
    {
      breaks: "A7: a model that is too large to be read counts as not learned",
      find: "if (error instanceof AnswerTooLarge) return unreadableFrequency;",
      replace: "if (error instanceof AnswerTooLarge) return 0;",
    },
  ],
  "services/worker/model/step-outcome.ts": [
    {
      breaks: "A7: a call whose end was not seen is told as failed",
      find: 'if (result.kind === "answered") return',
      replace: 'if (result.kind !== "response") return',
    },
    {
      breaks: "A7: a command with one step of unknown outcome is told as failed, or as applied",
      find: 'steps.find((step) => step?.outcome === "unknown") ?? ',
      replace: "",
    },
  ],
  "services/worker/model/memory-events.ts": [
    {
      breaks: "A3: symbols beyond the basic plane are sorted otherwise than KATO sorts them",
      find: 'return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));',
      replace: "return a < b ? -1 : Number(a > b);",
    },
  ],
  "services/worker/model/position.ts": [
    {
      breaks: "A2: the steps of one command are taken for the same",
      find: "a.sequence - b.sequence || a.step - b.step",
      replace: "a.sequence - b.sequence",
    },
  ],
};
