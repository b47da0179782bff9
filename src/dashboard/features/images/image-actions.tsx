import { useState } from "preact/hooks";
import { refreshAll } from "../../core/resource.ts";
import { may } from "../../core/session.ts";
import { Button } from "../../ui/button.tsx";
import { toast } from "../../ui/toasts.tsx";
import { warm } from "./image-api.ts";
import { RemoveDialog, TagDialog } from "./image-dialogs.tsx";

interface ImageActionsProps {
  digest: string;
  title: string;
  tags: readonly string[];
  worker: string | undefined;
  /** Where to go when it is gone; default: nowhere. */
  onGone?: () => void;
}

/** What can be done with an image. */
export function ImageActions({ digest, title, tags, worker, onGone }: ImageActionsProps) {
  const [dialog, setDialog] = useState<"tag" | "remove">();
  const startWarm = async () => {
    await warm(worker, digest);
    toast(`${title} is being booted, so that tasks resume it.`);
    refreshAll();
  };
  const close = () => setDialog(undefined);
  return (
    <>
      {may("operate") ? (
        <>
          <Button icon="play" title="Boot it once, so that tasks resume the machine" onPress={startWarm}>
            Warm
          </Button>
          <Button onPress={() => setDialog("tag")}>Name …</Button>
        </>
      ) : undefined}
      {may("administer") ? (
        <Button kind="danger" onPress={() => setDialog("remove")}>
          Remove …
        </Button>
      ) : undefined}
      {dialog === "tag" ? <TagDialog title={title} digest={digest} worker={worker} onClose={close} /> : undefined}
      {dialog === "remove" ? <RemoveDialog {...{ digest, title, tags, worker, onGone }} onClose={close} /> : undefined}
    </>
  );
}
