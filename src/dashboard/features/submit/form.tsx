import type { ApiImage, ApiQueue } from "../../../generated/api.ts";
import { useResource } from "../../core/resource.ts";
import { CommandField } from "./command-field.tsx";
import { NumberField, SelectField, TextField } from "./fields.tsx";
import { InteractiveField } from "./interactive-field.tsx";
import { ArtifactFields, EnvironmentFields, NetworkField } from "./list-fields.tsx";

const PRIORITIES = ["highest", "very-high", "high", "medium", "low", "very-low", "lowest"] as const;
const GRAPHICS = ["none", "VGA", "virtio-vga", "qxl-vga", "vmware-svga", "bochs-display"] as const;

/** What most tasks need; the rest of the document is as it was. */
export function Form() {
  const queue = useResource<ApiQueue>("/queue");
  const images = useResource<readonly ApiImage[]>("/images");
  return (
    <div class="form">
      <TextField path={["metadata", "name"]} label="Name" placeholder="A few words" />
      <CommandField />
      <div class="form-columns">
        <TextField
          path={["payload", "image"]}
          label="Image"
          placeholder="the worker's default"
          options={images.data?.flatMap(({ tags }) => tags) ?? []}
        />
        <TextField path={["payload", "maxRunTime"]} label="Longest run time" placeholder="the worker's limit" />
      </div>
      <div class="form-columns three">
        <NumberField path={["payload", "machine", "memory"]} label="Memory, MiB" placeholder="default" />
        <NumberField path={["payload", "machine", "cores"]} label="CPU cores" placeholder="default" />
        <SelectField path={["payload", "machine", "graphics"]} label="Graphics" options={GRAPHICS} unset="default" />
      </div>
      <EnvironmentFields />
      <ArtifactFields />
      <NetworkField />
      <InteractiveField />
      <div class="form-columns">
        <TextField
          path={["queue"]}
          label="Queue"
          placeholder="default"
          options={queue.data?.queues.map(({ name }) => name) ?? []}
        />
        <SelectField path={["priority"]} label="Priority" options={PRIORITIES} unset="medium (default)" />
      </div>
    </div>
  );
}
