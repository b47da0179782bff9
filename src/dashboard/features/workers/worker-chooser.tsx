/** Whose images or machines are shown, where there are several workers: `?worker=` of the address. */
import type { ApiWorkers } from "../../../generated/api.ts";
import { useResource } from "../../core/resource.ts";
import { setQuery } from "../../core/router.ts";

export function WorkerChooser({ worker }: { worker: string | undefined }) {
  const workers = useResource<ApiWorkers>("/workers").data ?? [];
  const own = workers.find(({ self }) => self)?.workerId;
  if (workers.length < 2 && worker === undefined) return null;
  return (
    <label class="worker-chooser">
      Worker
      <select
        class="input"
        value={worker ?? own ?? ""}
        onChange={({ currentTarget: { value } }) => setQuery({ worker: value === own ? undefined : value })}
      >
        {workers.map(({ workerId }) => (
          <option key={workerId} value={workerId}>
            {workerId}
          </option>
        ))}
      </select>
    </label>
  );
}
