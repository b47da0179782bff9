import type { ApiTaskDetails } from "../../../generated/api.ts";
import { Button } from "../../ui/button.tsx";
import { toast } from "../../ui/toasts.tsx";

/** The task as it was submitted. */
export function Definition({ task }: { task: ApiTaskDetails }) {
  const text = JSON.stringify(task.definition, undefined, 2);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    toast("Copied", "success");
  };
  return (
    <section class="section" aria-label="Definition">
      <div class="actions">
        <Button icon="copy" onPress={copy}>
          Copy
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keys. */}
      <pre class="card padded definition" tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}
