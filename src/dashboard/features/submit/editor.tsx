import { useRef } from "preact/hooks";

interface EditorProps {
  text: string;
  label: string;
  /** From 1; where it cannot be read. */
  wrongLine: number | undefined;
  describedBy: string;
  onInput: (text: string) => void;
}

/** A text with the numbers of its lines. */
export function Editor({ text, label, wrongLine, describedBy, onInput }: EditorProps) {
  const numbers = useRef<HTMLPreElement>(null);
  const count = text.split("\n").length;
  return (
    <div class="editor">
      <pre class="editor-numbers" ref={numbers} aria-hidden="true">
        {Array.from({ length: count }, (_, index) => (
          <span key={index} class={index + 1 === wrongLine ? "wrong" : undefined}>
            {index + 1}
          </span>
        ))}
      </pre>
      <textarea
        aria-label={label}
        aria-describedby={describedBy}
        aria-invalid={wrongLine !== undefined}
        value={text}
        wrap="off"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        onInput={(event) => onInput(event.currentTarget.value)}
        onScroll={(event) => {
          if (numbers.current !== null) numbers.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}
