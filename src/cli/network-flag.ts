/** `--network`, of commands that give a task: the network of its payload, in one word. Pure. */

const LIST = "allow=";
const PORT = /^\d+$/;

/** `allow=A,B:80,443` is a list of two; anything else stays as it is, for the schema to judge. */
export function networkOfFlag(text: string): unknown {
  if (!text.startsWith(LIST)) return text;
  const parts = text.slice(LIST.length).split(",");
  const allow: string[] = [];
  for (const part of parts.map((each) => each.trim())) {
    const last = allow.at(-1);
    // Ports have commas between them too.
    if (PORT.test(part) && last?.includes(":")) allow[allow.length - 1] = `${last},${part}`;
    else allow.push(part);
  }
  return { allow };
}
