import type { Mutations } from "./mutation.ts";

/** The gateway's sending: dispatch, Idempotency-Keys, and what is refused before it is sent. */
export const gateway: Mutations = {
  "services/gateway/fleet/command-room.ts": [
    {
      breaks: "a full store takes nothing that would make room",
      find: "isResent || freeing.has(method)",
      replace: "false",
    },
    {
      breaks: "commands take the room that the system keeps for itself",
      find: '(state === "short" && !mayUseReserve)',
      replace: "false",
    },
  ],
  "services/gateway/fleet/registrations.ts": [
    {
      breaks: "a gateway is ready before its processors are in a registry that was made anew",
      find: "return created === this.#registeredIn && created",
      replace: "return created",
    },
  ],
  "services/gateway/dispatch/send-command.ts": [
    {
      breaks: "the answer of a request under an Idempotency-Key is not kept",
      find: "...(command.once && { store: true }),",
      replace: "",
    },
    {
      breaks: "a command of unknown effect cannot be asked for",
      find: 'if (known.context.effect === "unknown") await recordQueued(backend, command, storing);',
      replace: "",
    },
    {
      breaks: "A7: a client that stops waiting is told that nobody knows, and its command is applied later",
      find: "answered ?? (await cancel(backend, processor, storing));",
      replace: "answered ?? replyOfMessage({ data: new Uint8Array() });",
    },
    {
      breaks: "a gateway does not count what it has stored itself, and admits too much",
      find: "states.stored(command.processor, stored.sequence);",
      replace: "",
    },
    {
      breaks: "the outcome of a command is overwritten by its gateway's note that it is queued",
      find: 'found?.record.state === "queued" && found.record.once?.attempt === once?.attempt;',
      replace: "found !== undefined;",
    },
    {
      breaks: "A6: a 202 is given before JetStream has acknowledged the command",
      find: "    const { sequence } = await storing;\n    await recordQueued",
      replace: "    const sequence = 0;\n    await recordQueued",
    },
  ],
  "services/gateway/dispatch/send-query.ts": [
    {
      breaks: "a query is answered with an error while its processor passes to another worker",
      find: "if (!isHandedOver(reply)) {",
      replace: "if (reply) {",
    },
    {
      breaks: "a query is refused while its processor's worker is being replaced",
      find: "if (!isNoResponders(error) || backend.states.isUnowned(processor)) throw",
      replace: "if (error) throw",
    },
  ],
  "services/gateway/dispatch/idempotency.ts": [
    {
      breaks: "an Idempotency-Key is stuck after its gateway has died",
      find: 'if (state === "queued" && sequence === 0 && !(await isHeld(backend, record, storedAtMs))) return undefined;',
      replace: "",
    },
    {
      breaks: "a request whose command was left out is told that the first one still runs",
      find: 'if (known.code === "KEY_RUNNING") continue;',
      replace: "",
    },
    {
      breaks:
        "A7: a client is told that there was no effect, and an earlier request of the key may have had one",
      find: 'throw found?.record.state === "queued" ? withUnknownEffect(known) : known;',
      replace: "throw known;",
    },
    {
      breaks: "an Idempotency-Key is freed although its command may be applied",
      find: 'if (error.context.effect !== "none") return;',
      replace: "",
    },
    {
      breaks: "a request frees the Idempotency-Key that another one holds",
      find: 'found?.record.state !== "queued" || found.record.once?.attempt !== once?.attempt',
      replace: 'found?.record.state !== "queued"',
    },
  ],
  "services/gateway/dispatch/find-command.ts": [
    {
      breaks: "A7: a command whose outcome a crash has lost stays queued for ever",
      find: 'if (reply || sequence === 0 || state === "expired") return found;',
      replace: 'if (reply || sequence === 0 || state !== "unknown") return found;',
    },
  ],
  "services/gateway/dispatch/failures.ts": [
    {
      breaks: "A7: a client is told that a command of unknown end had no effect",
      find: 'if (reply.outcome === "unknown") throw effectUnknown(context);',
      replace: "",
    },
    {
      breaks: "A7: an Observe or a Learn that failed is said to have had no effect",
      find: 'effect: partial.has(method) ? "unknown" : "none",',
      replace: 'effect: partial.has(method) ? "none" : "none",',
    },
    {
      breaks: "A7: a query whose instance went away is told as too late",
      find: "throw isLost ? instanceUnavailable(context) :",
      replace: 'throw isLost && context.processor === "" ? instanceUnavailable(context) :',
    },
  ],
  "services/gateway/dispatch/run-query.ts": [
    {
      breaks: "a query waits in vain for a sequence that the log never gave",
      find: "return sequence <= last ? sequence : invalid",
      replace: "return sequence >= 0 ? sequence : invalid",
    },
  ],
  "services/gateway/fleet/admission.ts": [
    {
      breaks: "a command behind a few slow ones is refused",
      find: "if (!queue || queue.depth <= shortQueue) return;",
      replace: "if (!queue || queue.depth === 0) return;",
    },
    {
      breaks: "a command is refused although it would be applied in time",
      find: "const safetyFactor = 2;",
      replace: "const safetyFactor = 0.5;",
    },
    {
      breaks: "an ingestion goes beyond the limit of a queue",
      find: "const depth = queue.depth + unstored;",
      replace: "const depth = queue.depth + 0 * unstored;",
    },
    {
      breaks: "a command that is larger than NATS takes is not refused before it is sent",
      find: "return Math.min(maxMessageBytes, maxDataBytes(maxPayloadBytes));",
      replace: "return Math.max(maxMessageBytes, maxDataBytes(maxPayloadBytes));",
    },
    {
      breaks: "commands are refused while it is not known how long the queue takes",
      find: "if (queue.drainRate === 0) return;",
      replace: "",
    },
    {
      breaks: "commands that are waited for go beyond the limit of a queue",
      find: "checkQueueLimits(backend, context, processor);",
      replace: "",
    },
  ],
  "services/gateway/fleet/processor-states.ts": [
    {
      breaks: "a gateway does not count what it has stored since the worker's report",
      find: "const isNewer = storedAt > reportedAt - reportDelayMs;",
      replace: "const isNewer = storedAt < 0;",
    },
    {
      breaks: "a gateway that has just started refuses everything",
      find: " && this.#clock.nowMs - this.#openedAtMs > silenceMs;",
      replace: ";",
    },
    {
      breaks: "a worker that died is believed for ever",
      find: "this.#clock.nowMs - known.heardAtMs < silenceMs ? known.report",
      replace: "known.reportedAt > 0 ? known.report",
    },
  ],
};
