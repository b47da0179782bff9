/** Fields for places that hold several things: variables, artifacts, what the network may reach. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { isObject, type Json, type JsonObject, valueAt } from "./document-text.ts";
import { Field } from "./fields.tsx";
import { useForm } from "./form-context.ts";
import { issuesAt, pathText } from "./issues.ts";

const ENV = ["payload", "env"] as const;
const ARTIFACTS = ["payload", "artifacts"] as const;
const NETWORK = ["payload", "network"] as const;

/** Names and values of the environment. */
export function EnvironmentFields() {
  const { document, issues, set } = useForm();
  const env = valueAt(document, ENV);
  const rows = isObject(env) ? Object.entries(env) : [];
  const [name, setName] = useState("");
  const add = () => {
    set([...ENV, name.trim()], "");
    setName("");
  };
  return (
    <Group label="Environment" messages={issuesAt(issues, ENV).map(({ path, message }) => `${path} ${message}`)}>
      {rows.map(([key, value]) => (
        <div key={key} class="form-row">
          <code>{key}</code>
          <input
            class="input"
            aria-label={`Value of ${key}`}
            value={typeof value === "string" ? value : JSON.stringify(value)}
            autocomplete="off"
            onInput={({ currentTarget }) => set([...ENV, key], currentTarget.value)}
          />
          <Button kind="quiet" icon="cross" label={`Remove ${key}`} onPress={() => set([...ENV, key], undefined)} />
        </div>
      ))}
      <div class="form-row">
        <input
          class="input"
          aria-label="Name of a new variable"
          placeholder="NAME"
          value={name}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.ctrlKey || name.trim() === "") return;
            event.preventDefault();
            add();
          }}
        />
        <Button icon="plus" isDisabled={name.trim() === ""} onPress={add}>
          Add variable
        </Button>
      </div>
    </Group>
  );
}

/** What to keep of the machine. */
export function ArtifactFields() {
  const { document, issues, set } = useForm();
  const found = valueAt(document, ARTIFACTS);
  const list = Array.isArray(found) ? (found as readonly Json[]) : [];
  const store = (next: readonly Json[]) => set(ARTIFACTS, next.length === 0 ? undefined : next);
  return (
    <Group label="Artifacts" messages={issuesAt(issues, ARTIFACTS).map(({ path, message }) => `${path} ${message}`)}>
      {list.map((entry, index) => {
        const artifact: JsonObject = isObject(entry) ? entry : {};
        const put = (changes: JsonObject) => store(list.with(index, { ...artifact, ...changes }));
        const isWrong = issuesAt(issues, [...ARTIFACTS, index]).length > 0;
        return (
          <div key={index} class="form-row" data-path={pathText([...ARTIFACTS, index])}>
            <input
              class="input"
              aria-label={`Name of artifact ${index + 1}`}
              aria-invalid={isWrong}
              placeholder="name"
              value={String(artifact["name"] ?? "")}
              autocomplete="off"
              onInput={({ currentTarget }) => put({ name: currentTarget.value })}
            />
            <input
              class="input"
              aria-label={`Path of artifact ${index + 1} in the machine`}
              aria-invalid={isWrong}
              placeholder="/path/in/machine or out/**/*.xml"
              value={String(artifact["path"] ?? "")}
              autocomplete="off"
              onInput={({ currentTarget }) => put({ path: currentTarget.value })}
            />
            <label class="check">
              <input
                type="checkbox"
                checked={artifact["type"] === "directory"}
                onChange={({ currentTarget }) => put({ type: currentTarget.checked ? "directory" : "file" })}
              />
              Folder
            </label>
            <label class="check">
              <input
                type="checkbox"
                checked={artifact["optional"] === true}
                onChange={({ currentTarget }) => put({ optional: currentTarget.checked })}
              />
              Optional
            </label>
            <Button
              kind="quiet"
              icon="cross"
              label={`Remove artifact ${index + 1}`}
              onPress={() => store(list.toSpliced(index, 1))}
            />
          </div>
        );
      })}
      <div>
        <Button icon="plus" onPress={() => store([...list, { name: "", path: "" }])}>
          Add artifact
        </Button>
      </div>
    </Group>
  );
}

/** What the machine may reach. */
export function NetworkField() {
  const { document, set } = useForm();
  const network = valueAt(document, NETWORK);
  const allow = isObject(network) ? network["allow"] : undefined;
  const kind = isObject(network) ? "allow" : typeof network === "string" ? network : "isolated";
  const names = Array.isArray(allow) ? (allow as readonly Json[]).map(String) : [];
  const choose = (next: string) => {
    if (next === "allow") set(NETWORK, { allow: names.length === 0 ? ["deb.debian.org"] : names });
    else set(NETWORK, next === "isolated" ? undefined : next);
  };
  return (
    <Field path={NETWORK} label="Network">
      {(attributes) => (
        <>
          <select
            {...attributes}
            class="input"
            value={kind}
            onChange={({ currentTarget }) => choose(currentTarget.value)}
          >
            <option value="isolated">isolated: reaches nothing</option>
            <option value="internet">internet: every public address</option>
            <option value="allow">only what is listed</option>
          </select>
          {kind === "allow" ? (
            <textarea
              class="input mono"
              aria-label="Names and subnets that may be reached, one a line"
              rows={3}
              spellcheck={false}
              value={names.join("\n")}
              onInput={({ currentTarget }) => set(NETWORK, { allow: currentTarget.value.split("\n") })}
            />
          ) : undefined}
        </>
      )}
    </Field>
  );
}

function Group({
  label,
  messages,
  children,
}: {
  label: string;
  messages: readonly string[];
  children: ComponentChildren;
}) {
  return (
    <fieldset class="form-group">
      <legend>{label}</legend>
      {children}
      {messages.map((message) => (
        <p key={message} class="bad-text small">
          {message}
        </p>
      ))}
    </fieldset>
  );
}
