/** Fields of the form; each is one place in the document. What is empty is not in it. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { type Path, valueAt } from "./document-text.ts";
import { useForm } from "./form-context.ts";
import { issuesAt } from "./issues.ts";

interface FieldProps {
  path: Path;
  label: string;
  /** What it means to leave it empty, and the like. */
  hint?: string;
}

/** A label with what is in the field, what is wrong with it, and a hint. */
export function Field({
  path,
  label,
  hint,
  children,
}: FieldProps & {
  children: (attributes: { id: string; "aria-describedby": string; "aria-invalid": boolean }) => ComponentChildren;
}) {
  const { issues } = useForm();
  const own = issuesAt(issues, path);
  const id = useId();
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": `${id}-more`, "aria-invalid": own.length > 0 })}
      <div id={`${id}-more`} class="form-more">
        {own.map((issue) => (
          <p key={issue.path + issue.message} class="bad-text">
            {issue.message}
          </p>
        ))}
        {hint === undefined ? undefined : <p class="quiet-text">{hint}</p>}
      </div>
    </div>
  );
}

export function TextField({
  placeholder,
  options,
  ...field
}: FieldProps & { placeholder?: string; options?: readonly string[] }) {
  const { document, set } = useForm();
  const value = valueAt(document, field.path);
  const listId = useId();
  return (
    <Field {...field}>
      {(attributes) => (
        <>
          <input
            {...attributes}
            class="input"
            value={value === undefined || value === null ? "" : shownText(value)}
            placeholder={placeholder}
            list={options === undefined ? undefined : listId}
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) => set(field.path, currentTarget.value || undefined)}
          />
          {options === undefined ? undefined : (
            <datalist id={listId}>
              {options.map((option) => (
                <option key={option} value={option} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

/** A whole number; what is no number goes into the document as it is, and is found wrong there. */
export function NumberField({ placeholder, ...field }: FieldProps & { placeholder?: string }) {
  const { document, set } = useForm();
  const value = valueAt(document, field.path);
  return (
    <Field {...field}>
      {(attributes) => (
        <input
          {...attributes}
          class="input"
          inputMode="numeric"
          value={value === undefined || value === null ? "" : shownText(value)}
          placeholder={placeholder}
          autocomplete="off"
          onInput={({ currentTarget: { value: text } }) => {
            if (text.trim() === "") set(field.path, undefined);
            else set(field.path, /^\d{1,9}$/.test(text.trim()) ? Number(text) : text);
          }}
        />
      )}
    </Field>
  );
}

interface SelectFieldProps extends FieldProps {
  options: readonly string[];
  /** Shown where the document says nothing. */
  unset: string;
}

export function SelectField({ options, unset, ...field }: SelectFieldProps) {
  const { document, set } = useForm();
  const value = valueAt(document, field.path);
  const text = value === undefined ? "" : shownText(value);
  return (
    <Field {...field}>
      {(attributes) => (
        <select
          {...attributes}
          class="input"
          value={text}
          onChange={({ currentTarget }) => set(field.path, currentTarget.value || undefined)}
        >
          <option value="">{unset}</option>
          {[...new Set([...options, ...(text === "" ? [] : [text])])].map((option) => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function shownText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
