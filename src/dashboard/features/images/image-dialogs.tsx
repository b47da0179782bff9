import { useState } from "preact/hooks";
import { messageOf } from "../../core/api.ts";
import { refreshAll } from "../../core/resource.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { toast } from "../../ui/toasts.tsx";
import { pull, remove, tag } from "./image-api.ts";

interface DialogProps {
  worker: string | undefined;
  onClose: () => void;
}

/** Fetches an image. */
export function PullDialog({ worker, onClose }: DialogProps) {
  const [source, setSource] = useState("");
  const [name, setName] = useState("");
  const start = async () => {
    await pull(worker, source.trim(), name.trim());
    onClose();
    refreshAll();
  };
  return (
    <FormDialog title="Pull an image" action="Pull" isReady={source.trim() !== ""} onDo={start} onClose={onClose}>
      <label class="field">
        Address, or path of an archive on the worker's host
        <input
          value={source}
          placeholder="https://images.example.com/debian.tar.zst"
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => setSource(currentTarget.value)}
        />
      </label>
      <label class="field">
        Name for it, if it is to have one
        <input
          value={name}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </label>
    </FormDialog>
  );
}

interface OneImageProps extends DialogProps {
  title: string;
  digest: string;
}

export function TagDialog({ title, digest, worker, onClose }: OneImageProps) {
  const [name, setName] = useState("");
  const start = async () => {
    await tag(worker, digest, name.trim());
    onClose();
    toast(`${title} is ${name.trim()} too.`, "success");
    refreshAll();
  };
  return (
    <FormDialog title={`Name ${title}`} action="Name it" isReady={name.trim() !== ""} onDo={start} onClose={onClose}>
      <label class="field">
        New name
        <input
          value={name}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </label>
      <p class="quiet-text small">An image that has this name now loses it.</p>
    </FormDialog>
  );
}

interface RemoveDialogProps extends OneImageProps {
  tags: readonly string[];
  /** The image itself is gone. */
  onGone?: (() => void) | undefined;
}

/** One of its names, or all of it. */
export function RemoveDialog({ title, digest, tags, worker, onClose, onGone }: RemoveDialogProps) {
  const [what, setWhat] = useState(digest);
  const start = async () => {
    const { removedTags, removedImage } = await remove(worker, what);
    onClose();
    toast(removedImage ? `${title} is gone.` : `The name ${removedTags.join(", ")} is gone.`, "success");
    if (removedImage) onGone?.();
    refreshAll();
  };
  return (
    <FormDialog title={`Remove ${title}`} action="Remove" isReady isDanger onDo={start} onClose={onClose}>
      {tags.length > 1 ? (
        <label class="field">
          What is to go
          <select value={what} onChange={({ currentTarget }) => setWhat(currentTarget.value)}>
            <option value={digest}>The image with all its names</option>
            {tags.map((name) => (
              <option key={name} value={name}>
                Only the name {name}
              </option>
            ))}
          </select>
        </label>
      ) : undefined}
      <p>
        {what === digest
          ? "The image and its snapshots are removed from this worker. Tasks that use it now are not disturbed."
          : "The image stays, under its other names."}
      </p>
    </FormDialog>
  );
}

interface FormDialogProps {
  title: string;
  action: string;
  isReady: boolean;
  isDanger?: boolean;
  onDo: () => Promise<void>;
  onClose: () => void;
  children: preact.ComponentChildren;
}

/** Enter does it too. */
function FormDialog({ title, action, isReady, isDanger = false, onDo, onClose, children }: FormDialogProps) {
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Leave it</Button>
          <Button kind={isDanger ? "danger" : "primary"} isDisabled={!isReady} onPress={onDo}>
            {action}
          </Button>
        </>
      }
    >
      <form
        class="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) onDo().catch((error: unknown) => toast(messageOf(error), "error"));
        }}
      >
        {children}
        <input type="submit" hidden />
      </form>
    </Dialog>
  );
}
