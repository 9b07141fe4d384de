import { useState } from "preact/hooks";
import type { Key, KeyPage, MadeKey } from "../../../../libs/client/types/gateway.ts";
import { get, queryOf } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { usePoll } from "../../base/use-poll.ts";
import type { Address } from "../../model/address.ts";
import { formatAddress } from "../../model/address.ts";
import { Failure } from "../../parts/notice.ts";
import { KeyTable } from "./key-table.ts";
import { MakeKey } from "./make-key.ts";
import { RevokeDialog } from "./revoke-dialog.ts";
import { RotateDialog } from "./rotate-dialog.ts";
import { ShownOnce } from "./shown-once.ts";

const pageSize = 200;

/** What somebody is about to do with a key. */
type Asked = { do: "make" } | { do: "rotate" | "revoke"; key: Key };

/** The keys of clients: making, rotating and revoking them. */
export function Keys({ address }: { address: Address }): Children {
  const { from = "" } = address.query;
  const [asked, setAsked] = useState<Asked>();
  const [made, setMade] = useState<MadeKey>();
  const [told, setTold] = useState("");
  const { value, error, refresh } = usePoll(
    `keys ${from}`,
    (signal) => get<KeyPage>(`keys${queryOf({ from, limit: pageSize })}`, signal),
    { everyMs: 10_000 },
  );
  const close = () => setAsked(undefined);
  const done = (text: string, key?: MadeKey) => {
    close();
    setTold(text);
    setMade(key);
    void refresh();
  };
  const keys = value?.keys ?? [];
  return html`<h1>Keys</h1>
    <p class="quiet">What programs and people use this gateway with. Of a key only a hash is kept.</p>
    <div class="buttons">
      <button type="button" class="primary" onClick=${() => setAsked({ do: "make" })}>Make a key…</button>
    </div>
    <${Failure} error=${error} />
    <div role="status">${told !== "" && html`<p class="notice done">${told}</p>`}</div>
    ${made && html`<${ShownOnce} key=${made.key} made=${made} onClose=${() => setMade(undefined)} />`}
    ${!value && error === undefined && html`<p class="quiet">Loading…</p>`}
    ${value && keys.length === 0 && html`<p>There are none yet. Keys of files are not listed: they are where the gateway's settings say.</p>`}
    ${keys.length > 0 && html`<${KeyTable} keys=${keys} onAsk=${(what: "rotate" | "revoke", key: Key) => setAsked({ do: what, key })} />`}
    ${from !== "" && html`<p><a href=${formatAddress(["keys"])}>From the first</a></p>`}
    ${value?.next !== undefined && html`<p><a href=${formatAddress(["keys"], { from: value.next })}>More keys</a></p>`}
    ${asked?.do === "make" && html`<${MakeKey} onClose=${close} onDone=${done} />`}
    ${asked?.do === "rotate" && html`<${RotateDialog} of=${asked.key} onClose=${close} onDone=${done} />`}
    ${asked?.do === "revoke" && html`<${RevokeDialog} of=${asked.key} onClose=${close} onDone=${done} />`}`;
}
