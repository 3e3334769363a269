import { type Html, html } from '../html.js';

/** Asks for the token. `isWrong` says that the one before was not it. */
export function loginPage(isWrong: boolean): Html {
  return html`<h1>Sign in</h1>
<p class="dim">This server asks for the token that <code>audit serve</code> was started with.</p>
${isWrong && html`<p role="alert" class="failed">That is not the token.</p>`}
<form method="post" action="/login">
<p><label for="token">Token</label> <input id="token" name="token" type="password" required autocomplete="current-password" autofocus>
<button>Sign in</button></p>
</form>`;
}
