import { useEffect } from "preact/hooks";
import type { Session } from "../../libs/client/types/gateway.ts";
import { get, isReached, messageOf, readSession, send, session } from "./base/api.ts";
import type { Children } from "./base/html.ts";
import { html } from "./base/html.ts";
import { useObservable } from "./base/observable.ts";
import { useAddress } from "./base/use-address.ts";
import { usePoll } from "./base/use-poll.ts";
import { mayAdminister } from "./model/access.ts";
import type { Address } from "./model/address.ts";
import { formatAddress } from "./model/address.ts";
import { ErrorBoundary } from "./parts/error-boundary.ts";
import { Audit } from "./screens/audit/audit.ts";
import { Compare } from "./screens/compare/compare.ts";
import { Fleet } from "./screens/fleet/fleet.ts";
import { Keys } from "./screens/keys/keys.ts";
import { Login } from "./screens/login.ts";
import { ProcessorFrame } from "./screens/processor/frame.ts";

/** The whole page: who is there, where the ways lead, and the screen that the address names. */
export function App(): Children {
  const who = useObservable(session);
  const address = useAddress();
  useEffect(() => {
    document.title = [...address.path].reverse().concat("KATO console").join(" · ");
  }, [address]);
  return html`
    <${Reached} />
    ${who && html`<${Header} who=${who} address=${address} />`}
    <main id="main" tabindex="-1">
      ${who === undefined && html`<${Arriving} />`}
      ${who === null && html`<${Login} />`}
      ${
        who &&
        html`<${ErrorBoundary} key=${address.path.slice(0, 2).join("/")}>
        <${Screen} who=${who} address=${address} />
      </${ErrorBoundary}>`
      }
    </main>
  `;
}

function Screen({ who, address }: { who: Session; address: Address }): Children {
  const [first = "", id = ""] = address.path;
  if (first === "") return html`<${Fleet} address=${address} />`;
  if (first === "processors" && id !== "") {
    return html`<${ProcessorFrame} key=${id} id=${id} who=${who} address=${address} />`;
  }
  if (first === "compare") return html`<${Compare} who=${who} address=${address} />`;
  if (first === "keys" && mayAdminister(who.grants)) return html`<${Keys} address=${address} />`;
  if (first === "audit" && mayAdminister(who.grants)) return html`<${Audit} address=${address} />`;
  return html`<h1>There is nothing here</h1>
    <p>Or your key does not show it. <a href=${formatAddress([])}>All processors</a></p>`;
}

function Header({ who, address }: { who: Session; address: Address }): Children {
  const [first = ""] = address.path;
  const link = (path: string[], text: string) => {
    const isHere = first === (path[0] ?? "");
    return html`<a href=${formatAddress(path)} aria-current=${isHere ? "page" : undefined}>${text}</a>`;
  };
  // Whoever was not asked for a key cannot log out.
  const isLogin = who.principal.startsWith("key:");
  const logOut = async () => {
    await send("DELETE", "session").catch(() => {});
    session.set(null);
  };
  return html`<header class="page-header">
    <a class="skip" href="#main" onClick=${skipToMain}>Skip to content</a>
    <b>KATO</b>
    <nav aria-label="Main">${link([], "Fleet")} ${link(["compare"], "Compare")} 
      ${mayAdminister(who.grants) && html`${link(["keys"], "Keys")} ${link(["audit"], "Audit")}`}</nav>
    <span class="who">
      ${who.principal !== "" && html`<span title=${who.principal}>${who.name || who.principal}</span> `}
      <span class="quiet">may ${who.grants.scope === "admin" ? "administer" : who.grants.scope}</span>
      ${isLogin && html` <button type="button" onClick=${logOut}>Log out</button>`}
    </span>
  </header>`;
}

/** The address says what is seen, so the link must not change it. */
function skipToMain(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** Finds out who is there; tries again while nobody can tell. */
function Arriving(): Children {
  const { error } = usePoll("session", () => readSession(), { everyMs: 2_000 });
  return error === undefined
    ? html`<p class="quiet">Loading…</p>`
    : html`<p class="notice error" role="alert">${messageOf(error)} Trying again…</p>`;
}

/** Says that the gateway is away, and looks whether it is back. */
function Reached(): Children {
  const reached = useObservable(isReached);
  return html`<div role="status" aria-live="polite">${!reached && html`<${Away} />`}</div>`;
}

function Away(): Children {
  usePoll("health", (signal) => get("health", signal), { everyMs: 1_000 });
  return html`<p class="away">The gateway does not answer. Looking for it…</p>`;
}
