import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

export function LinkPage() {
  return (
    <Page title="Link">
      <Empty icon="link" title="Nothing here yet." />
    </Page>
  );
}
