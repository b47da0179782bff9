import { useState } from "preact/hooks";
import { plural } from "../../core/format.ts";
import { Button } from "../../ui/button.tsx";
import { findPackages, type PackageFacts } from "./image-details.ts";

const SHOWN = 60;

/** What is installed, to be searched. */
export function PackageList({ packages }: { packages: readonly PackageFacts[] }) {
  const [search, setSearch] = useState("");
  const [isWhole, setWhole] = useState(false);
  const found = findPackages(packages, search);
  const shown = isWhole ? found : found.slice(0, SHOWN);
  const said =
    found.length === packages.length ? plural(found.length, "package") : `${found.length} of ${packages.length}`;
  return (
    <>
      <div class="package-search">
        <input
          class="input"
          type="search"
          value={search}
          placeholder="Search packages"
          aria-label="Search packages"
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        <span class="quiet-text small" role="status">
          {said}
        </span>
      </div>
      <ul class="packages">
        {shown.map(({ name, version }) => (
          <li key={`${name} ${version}`} class="package-row">
            <span class="package-name">{name}</span>
            {version === undefined ? undefined : <code class="quiet-text">{version}</code>}
          </li>
        ))}
      </ul>
      {shown.length === found.length ? undefined : (
        <p>
          <Button onPress={() => setWhole(true)}>Show all {found.length.toLocaleString("en")}</Button>
        </p>
      )}
    </>
  );
}
