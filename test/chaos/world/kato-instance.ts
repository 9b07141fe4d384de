import { KatoChannel } from "../../../libs/kato/channel.ts";
import type { JsonObject } from "../../../libs/kato/json.ts";
import type { RequestOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { Callee } from "../../../services/worker/instance/questions.ts";
import { dataOf, frequencyOf, insist, workingMemoryOf } from "../../../services/worker/instance/questions.ts";

/** A KATO as a test asks it: one behind gRPC, or one in this process. */
export class KatoInstance {
  readonly call: Callee["call"];
  readonly #channel: KatoChannel | undefined;

  constructor(at: string | Callee["call"]) {
    const channel = typeof at === "string" ? new KatoChannel(at) : undefined;
    this.#channel = channel;
    this.call = typeof at === "string" ? (method, request) => connected(channel, method, request) : at;
  }

  insist<M extends Method>(method: M, request: RequestOf<M>) {
    return insist(this, method, request);
  }

  workingMemory(): Promise<string[][]> {
    return workingMemoryOf(this);
  }

  frequency(model: string): Promise<number> {
    return frequencyOf(this, model);
  }

  /** What has to be the same after whatever has crashed: working memory, these models, and what can be set. */
  async snapshot(models: Iterable<string>): Promise<object> {
    const learned: JsonObject = {};
    for (const name of new Set(models)) learned[name] = await dataOf(this, "GetModel", { name });
    const genes: JsonObject = {};
    for (const gene of ["max_sequence_length", "recall_threshold", "predict"]) {
      genes[gene] = await dataOf(this, "GetGene", { gene });
    }
    const { models_kb, vectors_kb, SLEEPING } = (await this.insist("ShowStatus", {})).response as JsonObject;
    return { workingMemory: await this.workingMemory(), learned, genes, models_kb, vectors_kb, SLEEPING };
  }

  close(): void {
    this.#channel?.close();
  }
}

async function connected(channel: KatoChannel | undefined, method: Method, request: Uint8Array) {
  if (!channel) throw new Error("there is no channel");
  await channel.connect(10_000);
  return channel.call(method, request, 10_000);
}
