import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

export function SubmitPage() {
  return (
    <Page title="Submit">
      <Empty icon="plus" title="Nothing here yet." />
    </Page>
  );
}
