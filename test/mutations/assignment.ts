import type { Mutations } from "./mutation.ts";

/** Who runs which processor: leases, membership, shares, and the worker that goes by them. */
export const assignment: Mutations = {
  "services/worker/assignment/lease.ts": [
    {
      breaks: "A4: a lease is believed for longer than its entry lives",
      find: "const safeShare = 0.9;",
      replace: "const safeShare = 1.2;",
    },
    {
      breaks: "A4: a renewal takes back the lease that another worker has taken",
      find: "bucket.update(processor, worker, this.#revision, everyMs)",
      replace: "bucket.put(processor, worker)",
    },
    {
      breaks: "A4: a renewed life counts from the answer, and not from when it was asked for",
      find: "this.#validUntil = sentAt + leaseMs * safeShare;",
      replace: "this.#validUntil = performance.now() + leaseMs * safeShare;",
    },
    {
      breaks: "A4: the first life counts from the answer, and not from when it was asked for",
      find: "return new Lease(options, await write(), sentAt);",
      replace: "return new Lease(options, await write(), performance.now());",
    },
    {
      breaks: "A4: a lease that cannot be renewed is held for ever",
      find: "performance.now() >= this.#validUntil) this.#lose();",
      replace: "performance.now() < 0) this.#lose();",
    },
    {
      breaks: "A4: a worker that has slept removes the lease of the one that took over",
      find: "await bucket.delete(processor, { previousSeq: this.#revision });",
      replace: "await bucket.delete(processor);",
    },
    {
      breaks: "a lease that was given back later than is known is not taken",
      find: "if (!isConflict(error)) return undefined;",
      replace: "return undefined;",
    },
    {
      breaks: "nobody is told that the lease is gone",
      find: "queueMicrotask(this.#options.onLost);",
      replace: "",
    },
    {
      breaks: "a lease is renewed once, and then it ends",
      find: "this.#isRenewing = false;\n    }",
      replace: "}",
    },
    {
      breaks: "A4: a lease that was released is still believed",
      find: 'this.#state = "released";',
      replace: "",
    },
    {
      breaks: "A4: a lease that was lost is held again once a late renewal comes through",
      find: 'this.#state = "lost";',
      replace: "",
    },
  ],
  "services/worker/assignment/renewal-moments.ts": [
    {
      breaks: "leases are renewed at one moment, and then they end",
      find: "if (this.#timer) this.#startTimer();",
      replace: "",
    },
    {
      breaks: "a lease is lost with the first renewal that NATS does not get",
      find: "const renewalsPerLife = 3;",
      replace: "const renewalsPerLife = 1;",
    },
    {
      breaks: "after a stall the leases whose moments were in it wait for the next time",
      find: "Math.max(this.#count, now - momentsPerRenewal)",
      replace: "now - 1",
    },
  ],
  "services/worker/assignment/lease-bucket.ts": [
    {
      breaks: "A4: entries live for less time than leases are held, after LEASE_MS was raised",
      find: "await streams.update(name, { max_age: nanos(leaseMs) });",
      replace: "",
    },
  ],
  "services/worker/assignment/membership.ts": [
    {
      breaks: "a worker that died is counted for ten lives more, and nobody takes its processors",
      find: "this.#leaseMs * 1.1;",
      replace: "this.#leaseMs * 11;",
    },
    {
      breaks: "a lease that was released is not seen to be free",
      find: "return before !== value && value !== this.#me;",
      replace: 'return value !== "" && before !== value && value !== this.#me;',
    },
    {
      breaks: "A4: a lease is taken from the worker that has it since it was given back",
      find: 'seen?.value === "" && this.#isAlive(seen)',
      replace: "seen && this.#isAlive(seen)",
    },
    {
      breaks: "a watch that has died with its server is never replaced",
      find: "if (answeredAt - toldAt > this.#leaseMs) await this.#watch();",
      replace: "",
    },
    {
      breaks: "a worker that stops is counted for another life, and its share is not taken",
      find: "await this.#bucket.delete(workerPrefix + this.#me);",
      replace: "",
    },
  ],
  "services/worker/assignment/shares.ts": [
    {
      breaks: "a worker takes its share again and again, and releases it again",
      find: ".slice(0, share - keep.size)",
      replace: ".slice(0, share)",
    },
    {
      breaks: "the rest of an uneven division is run by nobody",
      find: "Math.ceil(shared.length",
      replace: "Math.floor(shared.length",
    },
    {
      breaks: "a worker for all keeps what stands in another worker's list",
      find: "mine.filter((id) => !listed.has(id)).slice(0, share)",
      replace: "mine.slice(0, share)",
    },
    {
      breaks: "a worker with a list keeps what is not in it",
      find: "release: mine.filter((id) => !list.has(id)),",
      replace: "release: [],",
    },
    {
      breaks: "workers with lists count in the shares of the others, and processors are left over",
      find: "(workers.size - lists.length)",
      replace: "workers.size",
    },
  ],
  "services/worker/worker.ts": [
    {
      breaks: "a processor whose endpoint has changed stays at the old one",
      find: "if (isMoved || released.has(id)) this.#replace(running);",
      replace: "if (released.has(id)) this.#replace(running);",
    },
    {
      breaks: "a processor that is registered no more is run on",
      find: "const isMoved = !isSameEndpoint(running.entry, registered.get(id));",
      replace: "const isMoved = !isSameEndpoint(running.entry, registered.get(id) ?? running.entry);",
    },
    {
      breaks: "a processor that runs cannot be paused",
      find: "running.slot.setPaused(registered.get(id)?.paused === true);",
      replace: "",
    },
    {
      breaks: "a paused processor applies commands while its new worker begins others",
      find: "running.slot.setPaused(entry.paused === true);",
      replace: "",
    },
    {
      breaks: "a processor whose lease was lost is run by nobody any more",
      find: '"lost the lease");\n    this.#replace(running);',
      replace: '"lost the lease");',
    },
    {
      breaks: "a worker does not stop in time while NATS is away",
      find: "await Promise.race([this.#stopAll(), withoutNats]);",
      replace: "await this.#stopAll();",
    },
    {
      breaks: "logs are never trimmed",
      find: "startSpreadTimer(settings.trimEveryMs, running, (each) => void trimLog(each, context)),",
      replace: "",
    },
  ],
  "services/worker/running-processor.ts": [
    {
      breaks: "A1, A4: the lease is released while its processor still runs",
      find: "await slot.stop().finally(",
      replace: "void slot.stop().finally(",
    },
    {
      breaks: "a worker that has released a processor goes on answering its queries and cancels",
      find: "await Promise.race([requests.drain(), sleep(drainMs)]);",
      replace: "",
    },
    {
      breaks: "CALL_TIMEOUT_MS is not heeded",
      find: "settings: { ...settings, idleProbeMs },",
      replace: "settings: { ...settings, idleProbeMs, callTimeoutMs: 300_000 },",
    },
  ],
  "services/worker/spread-timer.ts": [
    {
      breaks: "only the first of many processors is reported and trimmed",
      find: "if (index++ % slices === slice) task(item);",
      replace: "if (index++ % slices === 0) task(item);",
    },
  ],
  "services/worker/settings.ts": [
    {
      breaks: "LOG_HISTORY_HOURS is taken for minutes",
      find: "{ min: 0, max: 87_600 }) * 3_600_000",
      replace: "{ min: 0, max: 87_600 }) * 60_000",
    },
  ],
  "services/worker/http-port.ts": [
    {
      breaks: "a worker without NATS says that it is healthy",
      find: "const isHealthy = connected && worker !== undefined;",
      replace: "const isHealthy = worker !== undefined;",
    },
  ],
};
