import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/** How many requests of one connection are begun in one turn of the event loop. */
const perTurn = 10;
/** With so many waiting nothing more is read of the connection. */
const maxWaiting = 100;

/** The requests of one connection. */
interface Line {
  /** The turn of the event loop in which the latest were begun. */
  turn: number;
  /** How many were begun in it. */
  begun: number;
  /** What begins each of those that wait, in the order in which they came. */
  waiting: (() => void)[];
  /** Whether the next turn is to come. */
  isScheduled: boolean;
}

/**
 * Lets the requests that a client sends at once on one connection begin a few at a time, in their order, and
 * only while it reads the answers to earlier ones. Some 2,000 short requests come in one piece, and to begin all
 * of them would keep everybody else waiting for 100 ms.
 */
export function spreadPipelined(app: FastifyInstance): void {
  const lines = new WeakMap<Socket, Line>();
  app.addHook("onRequest", (request, _reply, done) => {
    const { socket } = request.raw;
    let line = lines.get(socket);
    if (!line) {
      line = { turn: 0, begun: 0, waiting: [], isScheduled: false };
      lines.set(socket, line);
    }
    const turn = turns.present;
    if (line.turn !== turn) [line.turn, line.begun] = [turn, 0];
    if (line.begun < perTurn && line.waiting.length === 0 && !socket.writableNeedDrain) {
      line.begun++;
      return done();
    }
    line.waiting.push(done);
    schedule(socket, line);
    if (line.waiting.length > maxWaiting) socket.pause();
  });
}

/** Numbers the turns of the event loop in which requests come: one timer a turn serves all connections. */
const turns = {
  number: 1,
  isCounting: false,
  get present(): number {
    if (!this.isCounting) {
      this.isCounting = true;
      setImmediate(() => {
        this.isCounting = false;
        this.number++;
      });
    }
    return this.number;
  },
};

function schedule(socket: Socket, line: Line): void {
  if (line.isScheduled) return;
  line.isScheduled = true;
  if (socket.writableNeedDrain) socket.once("drain", () => nextTurn(socket, line));
  else setImmediate(nextTurn, socket, line);
}

function nextTurn(socket: Socket, line: Line): void {
  line.isScheduled = false;
  if (socket.destroyed) line.waiting = [];
  if (line.waiting.length === 0) return;
  const next = socket.writableNeedDrain ? [] : line.waiting.splice(0, perTurn);
  [line.turn, line.begun] = [turns.present, next.length];
  schedule(socket, line);
  if (line.waiting.length === 0 && socket.isPaused()) socket.resume();
  for (const begin of next) begin();
}
