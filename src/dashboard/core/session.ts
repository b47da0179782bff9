/** Who looks at the page, and what he may. */
import { computed, signal } from "@preact/signals";
import type { ApiSession } from "../../generated/api.ts";
import type { Permission } from "../api-types.ts";
import { type ApiFailure, getJson, send, setHooks } from "./api.ts";
import { startEvents, stopEvents } from "./events.ts";
import { navigate } from "./router.ts";

export const session = signal<ApiSession | undefined>(undefined);
/** Why there is none. */
export const sessionError = signal<ApiFailure | undefined>(undefined);

/** Nobody has logged in, and one must. */
export const mustLogIn = computed(() => session.value !== undefined && session.value.principal === null);

/** Reads signals: a component that asks is drawn again when it changes. */
export function may(permission: Permission): boolean {
  return session.value?.permissions.includes(permission) ?? false;
}

/** The machine of a task is also its submitter's, if it is interactive. */
export function mayControl(task: { submitter?: string }, { isInteractive = true } = {}): boolean {
  const name = session.value?.principal?.name;
  return may("control") || (isInteractive && name !== undefined && task.submitter === name);
}

/** Cancel, run again: of all tasks, or of one's own. */
export function mayEnd(task: { submitter?: string }): boolean {
  const name = session.value?.principal?.name;
  return may("control") || (may("submit") && name !== undefined && task.submitter === name);
}

export async function loadSession(): Promise<void> {
  try {
    session.value = await getJson<ApiSession>("/session");
    sessionError.value = undefined;
  } catch (error) {
    sessionError.value = error as ApiFailure;
    return;
  }
  if (mustLogIn.value) stopEvents();
  else startEvents();
}

export async function logIn(token: string): Promise<void> {
  await send("POST", "/session", { token });
  await loadSession();
}

export async function logOut(): Promise<void> {
  await send("DELETE", "/session");
  await loadSession();
  navigate("/login");
}

export function startSession(): Promise<void> {
  setHooks({ onUnauthorized: goToLogin, csrf: () => session.value?.csrf });
  return loadSession();
}

/** The login page leads back here. */
export function goToLogin(): void {
  const { pathname, search, hash } = location;
  if (pathname === "/login" || pathname === "/link") return;
  stopEvents();
  navigate(`/login?returnTo=${encodeURIComponent(pathname + search + hash)}`, { replace: true });
}
