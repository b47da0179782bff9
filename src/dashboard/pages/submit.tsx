/** Writes a task definition: a form and its text, two views of the same document, checked as one types. */
import { useEffect, useId, useMemo, useState } from "preact/hooks";
import type { ApiTask, ApiTaskDetails } from "../../generated/api.ts";
import { ApiFailure, apiPath, getJson, send } from "../core/api.ts";
import { navigate, query } from "../core/router.ts";
import { taskPath } from "../core/routes.ts";
import { may } from "../core/session.ts";
import {
  changeText,
  type Format,
  type JsonObject,
  parseText,
  printDocument,
} from "../features/submit/document-text.ts";
import { type Draft, draftOf, EMPTY, loadDraft, storeDraft } from "../features/submit/draft.ts";
import { Editor } from "../features/submit/editor.tsx";
import { Form } from "../features/submit/form.tsx";
import { FormContext } from "../features/submit/form-context.ts";
import { IssueList } from "../features/submit/issue-list.tsx";
import { issuesOf } from "../features/submit/issues.ts";
import { href } from "../features/submit/submit.css";
import { useCheck } from "../features/submit/use-check.ts";
import { Button } from "../ui/button.tsx";
import { Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { styled } from "../ui/styled.tsx";
import { toast } from "../ui/toasts.tsx";

export const SubmitPage = styled(href, () => {
  const from = query.value.get("from");
  if (!may("submit")) {
    return (
      <Page title="Submit">
        <Empty icon="ban" title="You may not submit tasks.">
          It takes the role submitter or operator.
        </Empty>
      </Page>
    );
  }
  return from === null ? <Writer start={loadDraft()} /> : <CopyOf key={from} task={from} />;
});

function CopyOf({ task }: { task: string }) {
  const [start, setStart] = useState<Draft>();
  const [failure, setFailure] = useState<ApiFailure>();
  useEffect(() => {
    getJson<ApiTaskDetails>(apiPath`/tasks/${task}`).then(
      ({ definition }) => setStart(draftOf(definition as JsonObject)),
      (error: ApiFailure) => setFailure(error),
    );
  }, [task]);
  if (start !== undefined) return <Writer start={start} from={task} />;
  return <Page title="Submit">{failure === undefined ? <Loading /> : <ErrorNotice error={failure} />}</Page>;
}

function Writer({ start, from }: { start: Draft; from?: string }) {
  const [draft, setDraft] = useState(start);
  const [view, setView] = useState<"form" | "document">("form");
  const { text, format } = draft;
  const parsed = useMemo(() => parseText(text), [text]);
  const check = useCheck(parsed);
  const issuesId = useId();
  useEffect(() => storeDraft(draft), [draft]);

  const submit = async () => {
    if (!parsed.isValid) return;
    try {
      const { taskId } = await send<ApiTask>("POST", "/tasks", parsed.value);
      storeDraft(undefined);
      toast("The task is submitted.", "success");
      navigate(taskPath(taskId));
    } catch (error) {
      const issues = error instanceof ApiFailure ? issuesOf(error.details) : [];
      if (issues.length === 0) throw error;
      toast(issues.map(({ path, message }) => `${path} ${message}`).join("; "), "error");
    }
  };
  const setFormat = (next: Format) => {
    if (parsed.isValid && next !== format) setDraft({ format: next, text: printDocument(parsed.value, next) });
  };
  const isReady = parsed.isValid && check.issues.length === 0;
  return (
    <Page
      isWide
      title="Submit"
      actions={
        <>
          <Button kind="quiet" onPress={() => setDraft(EMPTY)}>
            Start over
          </Button>
          <Button kind="primary" icon="play" isDisabled={!isReady} title="Ctrl + Enter" onPress={submit}>
            Submit
          </Button>
        </>
      }
    >
      {from === undefined ? undefined : (
        <p class="quiet-text">
          As <a href={taskPath(from)}>{from}</a> was submitted.
        </p>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Ctrl + Enter works in all fields. */}
      <div
        class={`writer show-${view}`}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          if (isReady) submit().catch((error: Error) => toast(error.message, "error"));
        }}
      >
        <div class="chips writer-views">
          <Button isPressed={view === "form"} onPress={() => setView("form")}>
            Form
          </Button>
          <Button isPressed={view === "document"} onPress={() => setView("document")}>
            Document
          </Button>
        </div>
        <section class="card padded writer-form" aria-label="Form">
          {parsed.isValid ? (
            <FormContext.Provider
              value={{
                document: parsed.value,
                issues: check.issues,
                set: (path, value) =>
                  setDraft((old) => ({ ...old, text: changeText(old.text, old.format, path, value) })),
              }}
            >
              <Form />
            </FormContext.Provider>
          ) : (
            <Empty icon="warning" title="The document cannot be read, so there is no form of it." />
          )}
        </section>
        <section class="writer-document" aria-label="Document">
          <div class="writer-head">
            <h2>Document</h2>
            <div class="chips">
              <Button isPressed={format === "yaml"} isDisabled={!parsed.isValid} onPress={() => setFormat("yaml")}>
                YAML
              </Button>
              <Button isPressed={format === "json"} isDisabled={!parsed.isValid} onPress={() => setFormat("json")}>
                JSON
              </Button>
            </div>
          </div>
          <Editor
            text={text}
            label="Task definition"
            wrongLine={parsed.isValid ? undefined : parsed.line}
            describedBy={issuesId}
            onInput={(next) => setDraft({ format, text: next })}
          />
          <IssueList id={issuesId} check={check} />
        </section>
      </div>
    </Page>
  );
}
