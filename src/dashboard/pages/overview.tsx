import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

export function OverviewPage() {
  return (
    <Page title="Overview">
      <Empty icon="home" title="Nothing here yet." />
    </Page>
  );
}
