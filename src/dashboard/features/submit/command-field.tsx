import { useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { argumentsOf, commandOfLines, commandOfScript, scriptOf } from "./command.ts";
import { valueAt } from "./document-text.ts";
import { Field } from "./fields.tsx";
import { useForm } from "./form-context.ts";

const PATH = ["payload", "command"] as const;
const STEPS = ["payload", "steps"] as const;

/** The command: as a script for a shell, or as a program with arguments. Steps are for the document. */
export function CommandField() {
  const { document, set } = useForm();
  const command = valueAt(document, PATH);
  const steps = valueAt(document, STEPS);
  const found = scriptOf(command);
  const [wanted, setWanted] = useState<"script" | "arguments">();
  if (Array.isArray(steps)) {
    return (
      <Field path={STEPS} label="Steps">
        {() => <p class="notice">This task has {steps.length} steps; they are changed in the document.</p>}
      </Field>
    );
  }
  const isScript = found !== undefined || command === undefined ? wanted !== "arguments" : false;
  const list = argumentsOf(command) ?? [];
  return (
    <Field
      path={PATH}
      label="Command"
      hint={
        isScript
          ? `Run by ${(found?.shell ?? commandOfScript("").slice(0, -1)).join(" ")}; it ends as the script does.`
          : "The program, then its arguments, one a line. No shell is involved."
      }
    >
      {(attributes) => (
        <>
          <div class="chips">
            <Button
              isPressed={isScript}
              isDisabled={!isScript && found === undefined && command !== undefined && list.join("") !== ""}
              title="As a script for a shell"
              onPress={() => setWanted("script")}
            >
              Script
            </Button>
            <Button isPressed={!isScript} onPress={() => setWanted("arguments")}>
              Arguments
            </Button>
          </div>
          <textarea
            {...attributes}
            class="input mono"
            rows={8}
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            value={isScript ? (found?.script ?? "") : list.join("\n")}
            onInput={({ currentTarget: { value } }) => {
              if (value === "") set(PATH, undefined);
              else set(PATH, isScript ? commandOfScript(value, found?.shell) : commandOfLines(value));
            }}
          />
        </>
      )}
    </Field>
  );
}
