import { isObject, valueAt } from "./document-text.ts";
import { TextField } from "./fields.tsx";
import { useForm } from "./form-context.ts";

const PATH = ["payload", "interactive"] as const;
const PARTS = [
  ["shell", "Shells"],
  ["display", "Display"],
] as const;

/** Whether the machine is for a person too. */
export function InteractiveField() {
  const { document, set } = useForm();
  const value = valueAt(document, PATH);
  const isOn = value !== undefined;
  return (
    <fieldset class="form-group">
      <legend>Interactive</legend>
      <label class="check">
        <input
          type="checkbox"
          checked={isOn}
          onChange={({ currentTarget }) => set(PATH, currentTarget.checked ? { keepAfter: "30 minutes" } : undefined)}
        />
        I want to use the machine myself
      </label>
      {isOn ? (
        <>
          <div class="form-row">
            {PARTS.map(([name, label]) => (
              <label key={name} class="check">
                <input
                  type="checkbox"
                  checked={!isObject(value) || value[name] !== false}
                  onChange={({ currentTarget }) => set([...PATH, name], currentTarget.checked)}
                />
                {label}
              </label>
            ))}
          </div>
          <TextField
            path={[...PATH, "keepAfter"]}
            label="Keep the machine after the command"
            placeholder="the worker's default"
            hint="Such as 30 minutes."
          />
        </>
      ) : undefined}
    </fieldset>
  );
}
