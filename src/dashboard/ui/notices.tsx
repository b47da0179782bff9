/** What is there instead of content: nothing yet, nothing at all, or an error. */
import type { ComponentChildren } from "preact";
import type { ApiFailure } from "../core/api.ts";
import { Button } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <p class="empty-title">{title}</p>
      {children === undefined ? undefined : <div class="empty-more">{children}</div>}
    </div>
  );
}

export function ErrorNotice({ error, onRetry }: { error: ApiFailure; onRetry?: () => unknown }) {
  return (
    <div class="notice bad" role="alert">
      <Icon name="warning" />
      <div>
        <p>{error.message}</p>
        <p class="quiet-text">
          <code>{error.code}</code>
        </p>
      </div>
      {onRetry === undefined ? undefined : (
        <Button icon="rerun" onPress={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** In the shape of what will be there. */
export function Loading({ lines = 3 }: { lines?: number }) {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} class="skeleton" />
      ))}
    </div>
  );
}

/** A command to copy. */
export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <Button icon="copy" kind="quiet" label="Copy the command" onPress={() => navigator.clipboard.writeText(text)} />
    </div>
  );
}
