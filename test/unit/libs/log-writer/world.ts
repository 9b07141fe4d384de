import type { TestContext } from "node:test";
import type { MsgHdrs } from "@nats-io/transport-node";
import { LogWriter } from "../../../../libs/commands/log/log-writer.ts";
import type {
  LogWriterOptions,
  PublishingConnection,
} from "../../../../libs/commands/log/log-writer-options.ts";
import { receivedHeaders } from "../../../fixtures/received-headers.ts";

export interface Published {
  id: string;
  after: string;
  reply: string;
  headers: MsgHdrs;
}

export type JetStreamAnswer =
  | { seq: number; batch?: string; count?: number; duplicate?: boolean }
  | { error: { err_code: number; description: string } };

/** A writer whose messages the test answers itself, and a clock that stands still. */
export class World {
  nowMs = 1_000;
  session = 1;
  readonly published: Published[] = [];
  readonly stored: [id: string, sequence: number][] = [];
  readonly writer: LogWriter;
  readonly #t: TestContext;
  #takeAnswer: Parameters<PublishingConnection["subscribe"]>[1]["callback"] = () => {};

  constructor(t: TestContext, options: Pick<Partial<LogWriterOptions>, "log" | "patienceMs"> = {}) {
    this.#t = t;
    t.mock.timers.enable({ apis: ["setInterval"] });
    t.mock.method(performance, "now", () => this.nowMs);
    this.writer = new LogWriter({
      connection: this.#connection,
      session: () => this.session,
      processor: "p1",
      log: { isReplicated: false, takesBatches: false },
      onStored: ({ id }, sequence) => this.stored.push([id, sequence]),
      ...options,
    });
    t.after(() => this.writer.close());
  }

  /** Ends it before the test ends, which may have ten thousand of them. */
  forget(): void {
    this.writer.close();
    this.published.length = 0;
    this.stored.length = 0;
  }

  add(...ids: string[]): void {
    for (const id of ids)
      this.writer.add({ id, processor: "p1", method: "Observe", data: new Uint8Array(10) });
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 50) {
      this.nowMs += 50;
      this.#t.mock.timers.tick(50);
    }
  }

  /** Answers what was published in this place, counted from 0. */
  answer(place: number, answer: JetStreamAnswer): void {
    this.answerTo(this.published[place]?.reply ?? "", answer);
  }

  answerTo(subject: string, answer: JetStreamAnswer): void {
    this.#takeAnswer(null, {
      subject,
      data: new Uint8Array(1),
      json: () => JSON.parse(JSON.stringify(answer)),
    });
  }

  get ids(): string[] {
    return this.published.map(({ id }) => id);
  }

  readonly #connection: PublishingConnection = {
    publish: (_subject, _data, { headers, reply = "" }) =>
      this.published.push(publishedAs(receivedHeaders(headers), reply)),
    subscribe: (_subject, { callback }) => {
      this.#takeAnswer = callback;
      return { unsubscribe: () => {} };
    },
  };
}

function publishedAs(headers: MsgHdrs, reply: string): Published {
  return { id: headers.get("Nats-Msg-Id"), after: headers.get("Nats-Expected-Last-Msg-Id"), reply, headers };
}
