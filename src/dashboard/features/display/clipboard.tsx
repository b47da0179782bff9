import { useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { toast } from "../../ui/toasts.tsx";

interface ClipboardProps {
  /** What the machine has copied last. */
  received: string;
  onSend: (text: string) => void;
}

/** The clipboard of the machine, both ways. */
export function Clipboard({ received, onSend }: ClipboardProps) {
  const [text, setText] = useState("");
  const send = () => {
    onSend(text);
    toast("Sent to the clipboard of the machine.", "success");
  };
  return (
    <div class="screen-panel">
      <div class="screen-clipboard">
        <label class="field">
          To the machine
          <textarea rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <div class="actions">
          <Button kind="primary" isDisabled={text === ""} onPress={send}>
            Send
          </Button>
          <Button onPress={async () => setText(await navigator.clipboard.readText())}>Paste from here</Button>
        </div>
      </div>
      <div class="screen-clipboard">
        <label class="field">
          From the machine
          <textarea rows={3} readOnly value={received} placeholder="Nothing has been copied there yet." />
        </label>
        <div class="actions">
          <Button
            icon="copy"
            isDisabled={received === ""}
            onPress={async () => {
              await navigator.clipboard.writeText(received);
              toast("Copied.", "success");
            }}
          >
            Copy
          </Button>
        </div>
      </div>
    </div>
  );
}
