import { useEffect } from "preact/hooks";

/** Calls back when the page has not been seen for a while, and when it is seen again. */
export function useHidden(afterMs: number, onHidden: () => void, onSeen: () => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const change = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(onHidden, afterMs);
      else onSeen();
    };
    document.addEventListener("visibilitychange", change);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", change);
    };
  }, [afterMs, onHidden, onSeen]);
}
