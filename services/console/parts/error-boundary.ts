import { Component } from "preact";
import { messageOf } from "../base/api.ts";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import { formatAddress } from "../model/address.ts";

interface BoundaryState {
  failure: { error: unknown } | undefined;
}

/** Shows what went wrong in the place of a screen that throws. The rest of the page stays. */
export class ErrorBoundary extends Component<{ children?: Children }, BoundaryState> {
  override state: BoundaryState = { failure: undefined };

  static override getDerivedStateFromError(error: unknown): BoundaryState {
    return { failure: { error } };
  }

  override render(): Children {
    const { failure } = this.state;
    if (!failure) return this.props.children;
    const again = () => this.setState({ failure: undefined });
    return html`<section class="panel" role="alert">
      <h1>This screen has failed</h1>
      <p>It is a fault of the console. The processors are not touched by it.</p>
      <pre>${messageOf(failure.error)}</pre>
      <div class="buttons">
        <button type="button" class="primary" onClick=${again}>Try again</button>
        <a href=${formatAddress([])}>All processors</a>
      </div>
    </section>`;
  }
}
