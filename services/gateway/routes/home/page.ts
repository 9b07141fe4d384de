import packageJson from "../../../../package.json" with { type: "json" };

const style = `body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
:root { color-scheme: light dark; }
code { font-size: 0.95em; }`;

/** The first page that somebody sees in a browser. `reason` is why the gateway cannot be used now. */
export function homePage(reason: string | undefined): string {
  const state = reason === undefined ? "It is ready." : `It is <strong>not ready</strong>: ${reason}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>KATO gateway</title>
<style>${style}</style>
<h1>KATO gateway ${packageJson.version}</h1>
<p>One REST address in front of a fleet of KATO sequence-memory processors. ${state}</p>
<ul>
<li><a href="docs">The API</a>, with examples, and for programs <a href="openapi.json">openapi.json</a></li>
<li><a href="console">The console</a>: see the processors, drive them and try them out</li>
<li><a href="processors">The processors</a>, and how each stands</li>
<li><a href="metrics">Metrics</a> for Prometheus</li>
</ul>
<p>The first request: <code>curl -s http://this-host:8000/PROCESSOR/observe -d '{"strings": ["hello"]}'</code></p>
</html>
`;
}
