/** Logging in: with a token, or with an identity provider. Leads back to where one wanted to go. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiFailure } from "../core/api.ts";
import { navigate } from "../core/router.ts";
import { returnPath } from "../core/routes.ts";
import { logIn, session } from "../core/session.ts";
import { Icon } from "../ui/icon.tsx";
import { Page } from "../ui/page.tsx";

export function LoginPage() {
  const current = session.value;
  const goOn = () => navigate(returnPath(location.search), { replace: true });
  const isIn = current !== undefined && current.principal !== null;
  useEffect(() => {
    if (isIn) goOn();
  }, [isIn]);
  if (current === undefined) return null;
  const { token, oidc } = current.methods;
  return (
    <Page title="Log in">
      <div class="login card">
        {oidc === undefined ? undefined : (
          // Not a page of ours: the browser goes there.
          <a
            class="button primary"
            href={`${oidc.path}?returnTo=${encodeURIComponent(returnPath(location.search))}`}
            target="_top"
          >
            <Icon name="user" />
            {oidc.label}
          </a>
        )}
        {oidc !== undefined && token ? <p class="login-or quiet-text small">or</p> : undefined}
        {token ? <TokenForm /> : undefined}
        <p class="quiet-text small">
          Worker <code>{current.workerId}</code>, Boxcar {current.version}
        </p>
      </div>
    </Page>
  );
}

function TokenForm() {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await logIn(token.trim());
    } catch (error) {
      setProblem(explain(error));
      field.current?.select();
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="login-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (token.trim() !== "" && !isBusy) void submit();
      }}
    >
      <label class="field">
        Token
        <input
          ref={field}
          type="password"
          value={token}
          autocomplete="current-password"
          aria-describedby="login-problem"
          aria-invalid={problem !== undefined}
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
      </label>
      <p id="login-problem" class="login-problem small" role="alert">
        {problem}
      </p>
      <button type="submit" class="button primary" disabled={token.trim() === ""} aria-busy={isBusy}>
        Log in
      </button>
      <p class="quiet-text small">
        An administrator makes one with <code>boxcar token create</code>.
      </p>
    </form>
  );
}

function explain(error: unknown): string {
  if (!(error instanceof ApiFailure)) return String(error);
  if (error.status === 401 || error.status === 403) return "This token is not known, has expired or was revoked.";
  if (error.status === 429) return "There were too many attempts; wait a minute, and try again.";
  return `${error.message}.`;
}
