import { after, before, describe } from "node:test";
import { adminKey } from "../../fixtures/access.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { commands } from "./commands.ts";
import { examples } from "./examples.ts";
import { ingesting } from "./ingesting.ts";
import { inATerminal } from "./terminal.ts";
import type { World } from "./world.ts";
import { worldOf } from "./world.ts";

// The command line against a whole system whose clients need a key. Each subject has a file of its own, and all share
// one system. What stops NATS comes last.
const { key, env } = adminKey({ after });
const folder = temporaryFolder({ after });
let system: SystemHere;
let world: World;
before(async () => {
  system = await startSystemHere({
    processors: [{ id: "p46b6b076c", name: "P1" }, { id: "p2" }, { id: "p3" }],
    gatewayEnv: { LOG_LEVEL: "silent", ...env },
    headers: { authorization: `Bearer ${key}` },
  });
  world = worldOf(system, key, folder);
});
after(() => system?.stop());

const subjects = { examples, "in a terminal": inATerminal, ingesting, commands };
for (const [name, tests] of Object.entries(subjects)) describe(name, () => tests(() => world));
