/** A component in a file of its own, loaded when it is shown first. */
import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "./button.tsx";
import { Loading } from "./notices.tsx";

/** @param load Gives the component: `async () => (await import("./x.tsx")).X`. */
export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const failed = useSignal(false);
    const version = useSignal(0);
    void version.value;
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then(
        (component) => {
          loaded = component;
          version.value++;
        },
        () => {
          failed.value = true;
        },
      );
    }, []);
    const Component = loaded;
    if (Component !== undefined) return <Component {...props} />;
    if (!failed.value) return <Loading />;
    return (
      <div class="notice bad" role="alert">
        <p>This page could not be loaded: the worker does not answer, or has another version now.</p>
        <Button onPress={() => location.reload()}>Load again</Button>
      </div>
    );
  };
}
