import { startSimulator } from "../../services/simulator/server.ts";

/**
 * As many instances as `COUNT` says in one process, which a thousand processes would not fit beside; prints
 * their endpoints as JSON. Their ids count from `FROM`.
 */
const simulators = [];
const from = Number(process.env.FROM ?? 0);
for (let index = from; index < from + Number(process.env.COUNT); index++) {
  simulators.push(await startSimulator({ manifest: { id: `f${index}` } }));
}
const endpoints = simulators.map(({ processor, endpoint }) => [processor, endpoint]);
console.log(`endpoints ${JSON.stringify(Object.fromEntries(endpoints))}`);
