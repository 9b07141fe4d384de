import { setTimeout as sleep } from "node:timers/promises";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { Answer, Send } from "../../fixtures/http-client.ts";
import type { Random } from "../../unit/worker/crash-schedules/random.ts";

interface Command {
  method: string;
  path: string;
  body?: unknown;
  /** Only of an observation. */
  uniqueId?: string;
}

/** The outcome of one request, as the client was told. */
export interface Told {
  uniqueId: string | undefined;
  /**
   * `done`: the answer was a 2xx or a failure of KATO. `none`: the answer says that there was no effect.
   * `unknown`: anything else.
   */
  effect: "done" | "none" | "unknown";
  sequence: number;
  /** Only of a synchronous answer. */
  interval: number | undefined;
}

/**
 * A client that sends random commands, one after the other. It repeats a command whose answer says that it
 * had no effect.
 */
export class RandomClient {
  readonly told: Told[] = [];
  readonly #send: Send;
  readonly #random: Random;
  /** Whether it observes vectors and emotives. Otherwise it changes max_sequence_length. */
  readonly #isRich: boolean;
  #observations = 0;

  constructor(send: Send, random: Random) {
    this.#send = send;
    this.#random = random;
    // It never does both. When the instance dies in an auto-learn of vectors, nobody can say whether that
    // took place (docs/recovery.md, limit 4). And an event that was kept and learned without emotives cannot
    // be learned again with emotives.
    this.#isRich = random.chance(0.5);
  }

  /** Sends one more command, and repeats it while it has no effect. */
  async next(): Promise<void> {
    const { method, path, body, uniqueId } = this.#command();
    const headers: Record<string, string> = this.#random.chance(0.3) ? { prefer: "respond-async" } : {};
    for (;;) {
      const id = uniqueId && `${uniqueId}-${this.told.length}`;
      const sent = id && typeof body === "object" ? { ...body, unique_id: id } : body;
      const told = toldOf(await this.#send(method, path, sent, headers).catch(refusal), id);
      this.told.push(told);
      // Whatever was killed is back within a second or two.
      if (told.effect !== "done") await sleep(50);
      if (told.effect !== "none") return;
    }
  }

  #command(): Command {
    const random = this.#random;
    const post = (path: string, body?: unknown): Command => ({ method: "POST", path: `/p1${path}`, body });
    const kind = random.integer(40);
    if (kind < 26) return { ...post("/observe", this.#observation()), uniqueId: `o${this.#observations++}` };
    if (kind < 32) return post("/learn");
    if (kind < 33) return post("/clear-working-memory");
    const max_sequence_length = this.#isRich ? 0 : random.integer(5);
    if (kind < 36) return post("/genes/change", { data: { max_sequence_length } });
    if (kind < 37) return post("/gene/increment-recall-threshold", { increment: 0.1 });
    if (kind < 38) return post("/stop-predicting");
    if (kind < 39) return post("/start-predicting");
    const model = encodeURIComponent(modelName([this.#strings(), this.#strings()]));
    return { method: "DELETE", path: `/p1/model/${model}` };
  }

  #observation(): object {
    const random = this.#random;
    const kind = random.integer(10);
    const emotives = this.#isRich ? { joy: random.integer(5) } : {};
    if (kind === 0) return { emotives };
    if (kind > 4 || !this.#isRich) return { strings: this.#strings(), emotives };
    const vectors = [[random.integer(1_000), random.integer(1_000), this.#observations]];
    return { vectors, strings: kind < 3 ? ["z"] : [], emotives };
  }

  #strings(): string[] {
    return Array.from({ length: 1 + this.#random.integer(2) }, () => "abc".charAt(this.#random.integer(3)));
  }
}

/**
 * What a request without an answer may have done. Where nobody listens nothing was sent. Otherwise the
 * gateway may have been killed.
 */
function refusal(error: NodeJS.ErrnoException): "none" | "unknown" {
  return error.code === "ECONNREFUSED" ? "none" : "unknown";
}

function toldOf(answer: Answer | "none" | "unknown", uniqueId: string | undefined): Told {
  if (typeof answer === "string") return { uniqueId, effect: answer, sequence: 0, interval: undefined };
  const sequence = Number(answer.headers["kato-sequence"] ?? 0);
  const { effect, interval } = answer.json;
  const isAnswered =
    answer.status < 300 || effect === "applied" || answer.status === 404 || answer.status === 422;
  const isNone = !isAnswered && (effect === "none" || answer.status === 429);
  return {
    uniqueId,
    effect: isNone ? "none" : isAnswered ? "done" : "unknown",
    sequence,
    interval: answer.status === 200 && typeof interval === "number" ? interval : undefined,
  };
}
