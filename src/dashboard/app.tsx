/** The frame around each page. */

import { useEffect } from "preact/hooks";
import { route } from "./core/router.ts";
import { goToLogin, loadSession, mustLogIn, session, sessionError } from "./core/session.ts";
import { Navigation } from "./navigation.tsx";
import { pageFor } from "./pages/pages.tsx";
import { Help } from "./ui/help.tsx";
import { ErrorNotice, Loading } from "./ui/notices.tsx";
import { Toasts } from "./ui/toasts.tsx";

export function App() {
  return (
    <>
      <a class="skip-link" href="#main">
        Skip to the content
      </a>
      <Navigation />
      <main id="main" tabIndex={-1}>
        <Content />
      </main>
      <Help />
      <Toasts />
    </>
  );
}

/** Login and links work without a session; all else needs one. */
function Content() {
  const current = route.value;
  const isOpen = current.page === "login" || current.page === "link";
  const isRefused = mustLogIn.value && !isOpen;
  useEffect(() => {
    if (isRefused) goToLogin();
  }, [isRefused]);
  if (session.value === undefined && sessionError.value !== undefined) {
    return (
      <div class="page">
        <ErrorNotice error={sessionError.value} onRetry={loadSession} />
      </div>
    );
  }
  if (session.value === undefined || isRefused) {
    return (
      <div class="page">
        <Loading />
      </div>
    );
  }
  return pageFor(current);
}
