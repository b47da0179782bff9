import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

export function TasksPage() {
  return (
    <Page title="Tasks">
      <Empty icon="list" title="Nothing here yet." />
    </Page>
  );
}
