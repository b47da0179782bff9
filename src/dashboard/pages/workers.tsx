import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

export function WorkersPage() {
  return (
    <Page title="Workers">
      <Empty icon="server" title="Nothing here yet." />
    </Page>
  );
}
