import { useEffect, useRef } from "preact/hooks";
import { type Key, keysOfChange } from "./keysyms.ts";

/** So that there is something to delete. */
const PADDING = "_".repeat(50);
const LONGEST = 200;

/** A field that has the keyboard of a phone come up; what is typed goes to the machine. */
export function TouchKeyboard({ onType }: { onType: (keys: readonly Key[]) => void }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const before = useRef(PADDING);
  const reset = () => {
    before.current = PADDING;
    if (field.current !== null) field.current.value = PADDING;
  };
  useEffect(() => {
    reset();
    field.current?.focus();
  }, []);
  return (
    <textarea
      ref={field}
      class="screen-keyboard"
      aria-label="What is typed here goes to the machine"
      autocapitalize="off"
      autocomplete="off"
      autocorrect="off"
      spellcheck={false}
      onInput={({ currentTarget, isComposing }) => {
        const after = currentTarget.value;
        onType(keysOfChange(before.current, after));
        before.current = after;
        if (!isComposing && (after.length > LONGEST || after.length < PADDING.length / 2)) reset();
      }}
    />
  );
}
