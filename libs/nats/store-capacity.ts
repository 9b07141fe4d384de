import type { NatsConnection } from "@nats-io/transport-node";

/** JetStream's codes for a stream that would be given more than the server, or the account, has left. */
const noRoomCodes = [10047, 10002];
/** JetStream's code for a stream that wants a subject of another stream. It is checked after the room. */
const overlapCode = 10065;
/** The capacity is found to this many bytes. */
const precision = 64 * 1024;
/** More than any storage has, and exact in a number of JavaScript. */
const beyondAny = 2 ** 52;

/** A stream that keeps nothing. Nobody publishes to its subject. */
const anchor = streamConfig("KATO-CAPACITY", 1);

/**
 * How many bytes JetStream's storage has that are not reserved by a stream's `max_bytes`; undefined if this
 * server cannot be asked in this way: in a cluster the subjects are checked first. `before` is what it answered last: if
 * that has not changed, a few requests are enough.
 *
 * No client is told `max_file_store`. But JetStream refuses to create a stream whose `max_bytes` is more than
 * what is left. It checks that before it checks whether another stream has the subject already. So it is
 * asked for streams whose subject is the anchor's, with different sizes. None of these can be created, and
 * the answer says whether the size would fit.
 */
export async function askUnreserved(
  connection: NatsConnection,
  before?: number,
): Promise<number | undefined> {
  if (connection.info?.cluster) return undefined;
  await create(connection, anchor);
  let fits = 0;
  let isTooMuch = beyondAny;
  if ((await isRoomFor(connection, beyondAny)) !== false) return undefined;
  const guesses = before === undefined ? [] : [before, before + precision];
  while (isTooMuch - fits > precision) {
    const guess = guesses.shift() ?? 0;
    const bytes = guess > fits && guess < isTooMuch ? guess : Math.floor((fits + isTooMuch) / 2);
    const answer = await isRoomFor(connection, bytes);
    if (answer === undefined) return undefined;
    if (answer) fits = bytes;
    else isTooMuch = bytes;
  }
  return fits;
}

/** Whether a stream of this size would fit; undefined if the answer does not say. */
async function isRoomFor(connection: NatsConnection, bytes: number): Promise<boolean | undefined> {
  const probe = { ...streamConfig("KATO-CAPACITY-PROBE", bytes), subjects: anchor.subjects };
  const code = await create(connection, probe);
  if (code === overlapCode) return true;
  if (code !== undefined && noRoomCodes.includes(code)) return false;
  // Somebody has deleted the anchor just now, so the probe was created. It must not keep what it has reserved.
  if (code === undefined) await request(connection, `STREAM.DELETE.${probe.name}`, {});
  return undefined;
}

/** Asks for a stream. Resolves to JetStream's error code; undefined if the stream is there. */
async function create(connection: NatsConnection, config: StreamRequest): Promise<number | undefined> {
  return (await request(connection, `STREAM.CREATE.${config.name}`, config)).error?.err_code;
}

async function request(
  connection: NatsConnection,
  what: string,
  body: object,
): Promise<{ error?: { err_code?: number } }> {
  const message = await connection.request(`$JS.API.${what}`, JSON.stringify(body), { timeout: 2_000 });
  return message.json();
}

type StreamRequest = ReturnType<typeof streamConfig>;

function streamConfig(name: string, maxBytes: number) {
  return {
    name,
    subjects: ["kato.capacity"],
    storage: "file",
    retention: "limits",
    discard: "new",
    num_replicas: 1,
    max_bytes: maxBytes,
    max_consumers: -1,
    max_msgs: -1,
    max_age: 0,
  };
}
