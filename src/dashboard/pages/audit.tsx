import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

export function AuditPage() {
  return (
    <Page title="Audit">
      <Empty icon="shield" title="Nothing here yet." />
    </Page>
  );
}
