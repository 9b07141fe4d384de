import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/** How many requests of one connection are begun in one turn of the event loop. */
const perTurn = 10;
/** With so many waiting nothing more is read of the connection. */
const maxWaiting = 100;

/** The requests of one connection. */
interface Line {
  /** How many were begun in this turn of the event loop. */
  begun: number;
  /** What begins each of those that wait, in the order in which they came. */
  waiting: (() => void)[];
}

/**
 * Lets the requests that a client sends at once on one connection begin a few at a time, in their order. Some
 * 2,000 short ones come in one piece, and to begin all of them would keep everybody else waiting for 100 ms.
 */
export function spreadPipelined(app: FastifyInstance): void {
  const lines = new WeakMap<Socket, Line>();
  app.addHook("onRequest", (request, _reply, done) => {
    const { socket } = request.raw;
    const line = lines.get(socket) ?? { begun: 0, waiting: [] };
    lines.set(socket, line);
    if (line.begun < perTurn && line.waiting.length === 0) {
      if (line.begun++ === 0) setImmediate(nextTurn, socket, line);
      return done();
    }
    line.waiting.push(done);
    if (line.waiting.length > maxWaiting) socket.pause();
  });
}

function nextTurn(socket: Socket, line: Line): void {
  line.begun = 0;
  if (socket.destroyed) line.waiting = [];
  if (line.waiting.length === 0) return;
  const next = line.waiting.splice(0, perTurn);
  line.begun = next.length;
  setImmediate(nextTurn, socket, line);
  if (line.waiting.length === 0 && socket.isPaused()) socket.resume();
  for (const begin of next) begin();
}
